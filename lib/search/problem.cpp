#include "search/problem.hpp"

#include "core/error.hpp"
#include "model/model_file.hpp"
#include "quant/bank_file.hpp"
#include "train/memory.hpp"
#include "train/training_pass.hpp"

namespace bitdarts::search {
namespace {

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

std::vector<quant::Budget> resolve_budgets(const config::SearchOptions& options,
                                           const config::QuantizerOptions& quantizer,
                                           std::span<const quant::LayerShape> layers,
                                           const Console& console) {
  auto budgets = quant::parse_budgets(options, quantizer, layers);
  for (const auto& budget : budgets)
    if (!budget.reach.empty())
      console.warn("search.budget = " + budget.text + " limits nothing: " + budget.reach);
  return budgets;
}

quant::BankOptions bank_options(const Problem& problem) {
  return {.per_channel = problem.quantizer.weight_scale == "channel",
          .tie_shared_input = problem.quantizer.tie == "shared-input",
          .context = problem.shape.context};
}

Problem load_problem(const stage::Context& context, const stage::Run& run) {
  const auto& options = context.config.search;
  const auto file = store::File::open(run.input_path("pretrained"));
  Problem problem{.options = options,
                  .quantizer = context.config.quantizer,
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
  problem.layout = model::make_layout(problem.shape, problem.quantizer.quantize_head);
  problem.weights = model::load_parameters(file, problem.layout);
  problem.budgets = resolve_budgets(options, problem.quantizer, problem.layout.linears, context.console);
  problem.bank =
      quant::make_search_bank(problem.layout.linears, quant::parse_candidates(options.weight_candidates),
                              quant::parse_candidates(options.activation_candidates), bank_options(problem));
  return problem;
}

double measured_loss(const Problem& problem, train::Engine<float>& engine, std::span<const float> weights,
                     quant::Bank* bank) {
  return train::mean_loss(engine, weights, bank,
                          problem.sampler(problem.corpus.search, Stream::validation_batch), measuring_batches,
                          problem.options.batch);
}

quant::Bank discrete_bank(const Problem& problem, const quant::Bank& bank, const quant::Scheme& scheme) {
  auto options = bank_options(problem);
  options.tie_shared_input = false;  // every layer carries a copy of what it shares
  quant::Bank discrete = quant::make_scheme_bank(problem.layout.linears, scheme, options);
  quant::transfer_ranges(bank, discrete);
  return discrete;
}

}  // namespace bitdarts::search
