#include "search/problem.hpp"

#include "core/error.hpp"
#include "quant/bank_file.hpp"
#include "train/memory.hpp"

namespace bitdarts::search {
namespace {

Budget resolve_budget(const std::string& text, quant::CostKind kind, const config::SearchOptions& options,
                      std::span<const quant::LayerShape> layers, const Console& console) {
  const auto capacity =
      quant::parse_budget(text, kind, layers, quant::parse_candidates(options.weight_candidates),
                          quant::parse_candidates(options.activation_candidates));
  if (!capacity.reach.empty()) console.warn("search.budget = " + text + " limits nothing: " + capacity.reach);
  return {.kind = kind,
          .capacity = capacity.most,
          .target = static_cast<double>(capacity.most) / static_cast<double>(quant::full_cost(kind, layers)),
          .text = text,
          .binding = capacity.reach.empty()};
}

// Strategies that need no gradients hold the weights, and those that the network sees.
train::MemoryUse memory_of(const config::Config& config) {
  const config::SearchOptions& options = config.search;
  auto use = train::training_memory(options.batch, config.run.shards);
  const bool trains = options.strategy == "darts" && options.weights == "trained";
  use.backward = options.strategy == "darts" || options.strategy == "fisher";
  use.copies = !use.backward ? 2 : trains ? 6 : 4;
  return use;
}

}  // namespace

std::vector<Budget> resolve_budgets(const config::SearchOptions& options,
                                    std::span<const quant::LayerShape> layers, const Console& console) {
  const auto kind = quant::parse_cost(options.cost);
  std::vector<Budget> budgets;
  for (const std::string& text : options.budget)
    budgets.push_back(resolve_budget(text, kind, options, layers, console));
  if (budgets.empty())
    budgets.push_back({.kind = kind, .capacity = {}, .target = 0, .text = {}, .binding = false});
  return budgets;
}

quant::BankOptions bank_options(const Problem& problem) {
  return {.per_channel = problem.options.weight_scale == "channel",
          .tie_shared_input = problem.options.tie == "shared-input",
          .context = problem.shape.context};
}

Problem load_problem(const stage::Context& context, const stage::Run& run) {
  const auto& options = context.config.search;
  const auto file = store::File::open(run.input_path("pretrained"));
  Problem problem{.options = options,
                  .seed = static_cast<std::uint64_t>(context.config.run.seed),
                  .corpus = {},
                  .shape = model::load_shape(file),
                  .layout = {},
                  .weights = {},
                  .budgets = {},
                  .bank = {}};
  problem.corpus = data::load_corpus(run.input_path("tokens"), problem.shape.context,
                                     {data::Split::train, data::Split::search});
  if (problem.corpus.vocab_size != problem.shape.vocab) {
    throw InputError("the tokens have a vocabulary of " + std::to_string(problem.corpus.vocab_size) +
                         ", the model of " + std::to_string(problem.shape.vocab),
                     run.input_path("tokens").string(),
                     "run tokenize and pretrain again with the same configuration");
  }
  train::require_memory(context, problem.shape, memory_of(context.config));
  problem.layout = model::make_layout(problem.shape, options.quantize_head);
  problem.weights = model::load_parameters(file, problem.layout);
  problem.budgets = resolve_budgets(options, problem.layout.linears, context.console);
  problem.bank =
      quant::make_search_bank(problem.layout.linears, quant::parse_candidates(options.weight_candidates),
                              quant::parse_candidates(options.activation_candidates), bank_options(problem));
  return problem;
}

double measured_loss(const Problem& problem, train::Engine<float>& engine, std::span<const float> weights,
                     quant::Bank* bank) {
  const auto sampler = problem.sampler(problem.corpus.search, Stream::validation_batch);
  double total = 0;
  for (std::int64_t b = 0; b < measuring_batches; ++b)
    total += engine.loss(weights, bank, {sampler, b, problem.options.batch});
  return total / static_cast<double>(measuring_batches);
}

quant::Bank discrete_bank(const Problem& problem, const quant::Bank& bank, const quant::Scheme& scheme) {
  auto options = bank_options(problem);
  options.tie_shared_input = false;  // every layer carries a copy of what it shares
  quant::Bank discrete = quant::make_scheme_bank(problem.layout.linears, scheme, options);
  quant::transfer_ranges(bank, discrete);
  return discrete;
}

}  // namespace bitdarts::search
