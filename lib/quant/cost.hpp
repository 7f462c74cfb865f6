#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "quant/scheme.hpp"

namespace bitdarts::quant {

enum class CostKind { bops, size };
CostKind parse_cost(const std::string& text);

/// What is counted. bops: multiply-accumulates times both widths. size: bits that are stored for the
/// quantized layers, as evaluate packs them: codes in rows of whole bytes, every scale, and what the
/// quantizer of an input keeps (a step, for lsq+ an offset too), 32 bits each.
struct Cost {
  CostKind kind = CostKind::bops;
  bool per_channel = false;  ///< weights have a scale per output channel

  Cost(CostKind of = CostKind::bops, bool scales_by_channel = false)  // NOLINT: a kind alone is a cost
      : kind(of), per_channel(scales_by_channel) {}
  bool operator==(const Cost&) const = default;
};
/// search.cost with quantizer.weight_scale.
Cost cost_of(const config::SearchOptions& search, const config::QuantizerOptions& quantizer);

/// What the cost of a layer is made of: bops: MACs times the units of its weight and its input, their widths;
/// size: the sum of the units, stored bits.
std::int64_t weight_units(const Cost& cost, const LayerShape& layer, const Candidate& weight);
std::int64_t input_units(const Cost& cost, const Candidate& input);
/// Exact, so that budgets can be kept exactly.
std::int64_t layer_cost(const Cost& cost, const LayerShape& layer, const Candidate& weight,
                        const Candidate& input);
/// What a cost is a ratio of: sum over layers with 32 bits everywhere.
std::int64_t full_cost(const Cost& cost, std::span<const LayerShape> layers);
/// No scheme costs more than this (with scales and offsets more than the full cost).
std::int64_t largest_cost(const Cost& cost, std::span<const LayerShape> layers);
std::int64_t scheme_cost(const Cost& cost, std::span<const LayerShape> layers, const Scheme& scheme);

/// METHOD section 4 with expected units per layer, as a ratio to the full cost, and its derivatives (per
/// layer).
struct ExpectedCost {
  double ratio = 0;
  std::vector<double> by_weight, by_input;  ///< d ratio / d E[units]
};
ExpectedCost expected_cost(const Cost& cost, std::span<const LayerShape> layers,
                           std::span<const double> weight_units, std::span<const double> input_units);

/// Everything people ask about a scheme.
struct SchemeSummary {
  double mean_weight_bits = 0, mean_input_bits = 0;  ///< weighted by parameters and by MACs
  double bops_ratio = 0;                             ///< to 32 x 32
  double bops_ratio_all = 0;                         ///< the same with `other_macs` counted at 32 x 32
  double size_ratio = 0;                             ///< to 32, codes alone
};
/// `other_macs`: multiply-accumulates a token of matrices that no scheme speaks of (model::unquantized_macs);
/// with none, bops_ratio_all is bops_ratio. Error when the scheme is of other layers.
SchemeSummary summarise(std::span<const LayerShape> layers, const Scheme& scheme,
                        std::int64_t other_macs = 0);

/// "0.879% (14.8% with the output head)"; the second number where it is another one.
std::string bops_in_words(const SchemeSummary& summary);

}  // namespace bitdarts::quant
