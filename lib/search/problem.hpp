#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/random.hpp"
#include "quant/bank.hpp"
#include "quant/cost.hpp"
#include "stage/stage.hpp"
#include "train/engine.hpp"

namespace bitdarts::search {

/// A budget in the units of the cost, and as a ratio.
struct Budget {
  quant::CostKind kind = quant::CostKind::bops;
  std::optional<std::int64_t> capacity;  ///< integer cost, none: no budget
  double target = 0;                     ///< capacity / cost of 32 bits everywhere
  std::string text;                      ///< as the user wrote it
  bool binding = false;                  ///< can the candidates cost more?
};

/// search.budget for a model: one entry for each budget in the order of the option, or one without capacity.
/// Warns where a budget limits nothing. ConfigError as quant::parse_budget.
std::vector<Budget> resolve_budgets(const config::SearchOptions& options,
                                    std::span<const quant::LayerShape> layers, const Console& console);

/// What a search is told by its options and reads from its inputs.
struct Problem {
  const config::SearchOptions& options;
  const config::QuantizerOptions& quantizer;
  std::uint64_t seed;
  data::Corpus corpus;
  model::ModelShape shape;
  model::ParameterLayout layout;
  std::vector<float> weights;   ///< as pretrained
  std::vector<Budget> budgets;  ///< at least one
  quant::Bank bank;             ///< every candidate of every site

  data::Sampler sampler(const data::TokenPart& part, Stream stream) const {
    return {part, shape.context, seed, stream};
  }
};

/// Scales, ties and context of the problem's quantizers.
quant::BankOptions bank_options(const Problem& problem);

/// tokens.h5 and pretrained.h5; InputError when they do not fit each other.
Problem load_problem(const stage::Context& context, const stage::Run& run);

/// Batches of the search part that losses beside a scheme are measured on.
inline constexpr std::int64_t measuring_batches = 4;
/// Mean loss over them [nats per token].
double measured_loss(const Problem& problem, train::Engine<float>& engine, std::span<const float> weights,
                     quant::Bank* bank);

/// The quantizers of a scheme alone, with the ranges that `bank` has for its candidates.
quant::Bank discrete_bank(const Problem& problem, const quant::Bank& bank, const quant::Scheme& scheme);

}  // namespace bitdarts::search
