#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/random.hpp"
#include "quant/bank.hpp"
#include "quant/budget.hpp"
#include "stage/stage.hpp"
#include "train/engine.hpp"

namespace bitdarts::search {

using quant::Budget;

/// quant::parse_budgets(), with a warning where a budget limits nothing.
std::vector<Budget> resolve_budgets(const config::SearchOptions& options,
                                    const config::QuantizerOptions& quantizer,
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
