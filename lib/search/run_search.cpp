#include "search/run_search.hpp"

#include <cmath>
#include <cstdio>

#include "core/error.hpp"
#include "quant/bank_file.hpp"
#include "search/discretise.hpp"
#include "search/statistics.hpp"
#include "train/device.hpp"
#include "train/pretrain.hpp"

namespace bitdarts::search {
namespace {

constexpr std::int64_t measuring_batches = 4;

Budget resolve_budget(const config::SearchOptions& options, const model::ParameterLayout& layout,
                      const Console& console) {
  Budget budget{.kind = quant::parse_cost(options.cost), .capacity = std::nullopt, .target = 0};
  if (options.budget.empty()) return budget;
  const auto capacity = quant::parse_budget(options.budget, budget.kind, layout.linears,
                                            quant::parse_candidates(options.weight_candidates),
                                            quant::parse_candidates(options.activation_candidates));
  if (!capacity.reach.empty())
    console.warn("search.budget = " + options.budget + " limits nothing: " + capacity.reach);
  budget.capacity = capacity.most;
  budget.target = static_cast<double>(*budget.capacity) /
                  static_cast<double>(quant::full_cost(budget.kind, layout.linears));
  return budget;
}

// What the search is told by its options and reads from its inputs.
struct Problem {
  data::Corpus corpus;
  model::ModelShape shape;
  model::ParameterLayout layout;
  std::vector<float> weights;
  Budget budget;
  quant::Bank bank;
};

Problem load_problem(const stage::Context& context, const stage::Run& run) {
  const auto& options = context.config.search;
  const auto file = store::File::open(run.input_path("pretrained"));
  Problem problem;
  problem.shape = model::load_shape(file);
  problem.corpus = data::load_corpus(run.input_path("tokens"), problem.shape.context,
                                     {data::Split::train, data::Split::search});
  if (problem.corpus.vocab_size != problem.shape.vocab) {
    throw InputError("the tokens have a vocabulary of " + std::to_string(problem.corpus.vocab_size) +
                         ", the model of " + std::to_string(problem.shape.vocab),
                     run.input_path("tokens").string(),
                     "run tokenize and pretrain again with the same configuration");
  }
  problem.layout = model::make_layout(problem.shape, options.quantize_head);
  problem.weights = model::load_parameters(file, problem.layout);
  problem.budget = resolve_budget(options, problem.layout, context.console);
  problem.bank =
      quant::make_search_bank(problem.layout.linears, quant::parse_candidates(options.weight_candidates),
                              quant::parse_candidates(options.activation_candidates),
                              {.per_channel = options.weight_scale == "channel",
                               .tie_shared_input = options.tie == "shared-input",
                               .context = problem.shape.context});
  return problem;
}

// The losses around the discretisation, on the same batches of the search part.
struct Gap {
  double full_precision = 0, mixed = 0, discrete = 0;
};

double mean_loss(train::Engine<float>& engine, std::span<const float> weights, quant::Bank* bank,
                 const data::Sampler& sampler, std::int64_t sequences) {
  double total = 0;
  for (std::int64_t b = 0; b < measuring_batches; ++b)
    total += engine.loss(weights, bank, {sampler, b, sequences});
  return total / static_cast<double>(measuring_batches);
}

void save_facts(store::File& file, const config::SearchOptions& options, const Problem& problem,
                const quant::Scheme& scheme, std::int64_t steps, double expected, const Gap& gap) {
  const auto& budget = problem.budget;
  file.set_attribute("/search", "steps", steps);
  file.set_attribute("/search", "cost", options.cost);
  file.set_attribute("/search", "budget", options.budget);
  file.set_attribute("/search", "weight_scale", options.weight_scale);
  file.set_attribute("/search", "quantize_head", std::int64_t{options.quantize_head});
  file.set_attribute("/search", "tie", options.tie);
  file.set_attribute("/search", "capacity", budget.capacity.value_or(0));
  const auto full = quant::full_cost(budget.kind, problem.layout.linears);
  file.set_attribute("/search", "full_cost", full);
  file.set_attribute("/search", "target", budget.target);
  file.set_attribute("/search", "expected_cost", expected);
  file.set_attribute("/search", "scheme_cost",
                     static_cast<double>(quant::scheme_cost(budget.kind, problem.layout.linears, scheme)) /
                         static_cast<double>(full));
  file.set_attribute("/search", "full_precision_loss", gap.full_precision);
  file.set_attribute("/search", "mixed_loss", gap.mixed);
  file.set_attribute("/search", "discrete_loss", gap.discrete);
}

std::string summary(const Problem& problem, const quant::Scheme& scheme, double expected, const Gap& gap) {
  const auto bits = quant::summarise(problem.layout.linears, scheme,
                                     model::unquantized_macs(problem.shape, problem.layout));
  char text[400];
  std::string line;
  if (problem.budget.capacity) {
    std::snprintf(text, sizeof text, "search: expected cost %.3f%% against a budget of %.3f%% (%+.2f%%)\n",
                  100 * expected, 100 * problem.budget.target, 100 * (expected / problem.budget.target - 1));
    line += text;
  }
  std::snprintf(text, sizeof text,
                "search: scheme with %.2f weight bits, %.2f input bits, BOPs ratio %s; loss full "
                "precision %.4f, mixed %.4f, "
                "discrete before finetuning %.4f",
                bits.mean_weight_bits, bits.mean_input_bits, quant::bops_in_words(bits).c_str(),
                gap.full_precision, gap.mixed, gap.discrete);
  return line + text;
}

}  // namespace

void run_search(const stage::Context& context, stage::Run& run) {
  const auto& options = context.config.search;
  const std::string device = train::prepare_device(context, run);
  Problem problem = load_problem(context, run);
  run.confirm_inputs();
  if (!problem.budget.capacity) {
    context.console.warn(
        "no search.budget: nothing limits the cost but λ_cost, where search.cost_mode leaves it one");
  }

  const auto seed = static_cast<std::uint64_t>(context.config.run.seed);
  const auto sampler = [&](const data::TokenPart& part, Stream stream) {
    return data::Sampler(part, problem.shape.context, seed, stream);
  };
  const auto outer = sampler(problem.corpus.search, Stream::outer_batch),
             inner = sampler(problem.corpus.train, Stream::inner_batch),
             calibration = sampler(problem.corpus.train, Stream::calibration_batch),
             measuring = sampler(problem.corpus.search, Stream::validation_batch);
  train::Engine<float> engine(context.world, context.config.run.shards, problem.shape, problem.layout,
                              device);
  engine.calibrate(problem.weights, problem.bank, calibration, options.calibration_sequences);
  Gap gap;
  gap.full_precision = mean_loss(engine, problem.weights, nullptr, measuring, options.batch);
  Bilevel<float> bilevel(options, seed, engine, problem.layout, problem.weights, problem.bank, problem.budget,
                         {outer, inner});
  const std::int64_t steps =
      train::run_loop(context, run, bilevel,
                      {.what = "search",
                       .steps = options.steps,
                       .tokens_per_step = 2.0 * static_cast<double>(options.batch * problem.shape.context)});

  quant::Bank& bank = bilevel.bank();
  bilevel.settle(steps);
  const double expected = bilevel.expected_ratio();
  quant::Scheme scheme = discretise(bank, problem.budget);
  if (options.spend == "sensitivity") {
    scheme = spend_rest<float>(scheme, bank, problem.budget, engine, bilevel.weights().values(), outer,
                               options.batch, measuring_batches);
  }
  gap.mixed = mean_loss(engine, bilevel.weights().values(), &bank, measuring, options.batch);
  quant::Bank discrete = quant::make_scheme_bank(
      problem.layout.linears, scheme,
      {.per_channel = options.weight_scale == "channel", .context = problem.shape.context});
  quant::transfer_ranges(bank, discrete);
  gap.discrete = mean_loss(engine, bilevel.weights().values(), &discrete, measuring, options.batch);

  run.publish([&](store::File& file) {
    model::save_model(file, problem.shape, problem.layout, bilevel.weights().values());
    quant::save_bank(file, bank);
    quant::save_scheme(file, scheme, problem.layout.linears);
    bilevel.save_optimisers(file);
    bilevel.metrics().save(file);
    save_facts(file, options, problem, scheme, steps, expected, gap);
  });
  constexpr double tolerance = 0.02;
  if (problem.budget.capacity && std::abs(expected / problem.budget.target - 1) > tolerance) {
    context.console.warn(
        "the expected cost ended more than 2 % off the budget: give the search more steps (search.steps); "
        "below the "
        "budget it may also be that the candidates cannot, or need not, spend it");
  }
  context.console.result(summary(problem, scheme, expected, gap));
}

}  // namespace bitdarts::search
