#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "quant/scheme.hpp"

namespace bitdarts::quant {

enum class CostKind { bops, size };
CostKind parse_cost(const std::string& text);

/// Integer cost of one layer: bops: MACs * b_w * b_a; size: parameters * b_w. Exact, so that budgets can be
/// kept exactly.
std::int64_t layer_cost(CostKind kind, const LayerShape& layer, int weight_bits, int input_bits);
/// What cost is counted against: sum over layers with 32 bits everywhere.
std::int64_t full_cost(CostKind kind, std::span<const LayerShape> layers);
std::int64_t scheme_cost(CostKind kind, std::span<const LayerShape> layers, const Scheme& scheme);

/// METHOD section 4 with expected bits per layer, as a ratio in (0, 1], and its derivatives (per layer).
struct ExpectedCost {
  double ratio = 0;
  std::vector<double> by_weight_bits, by_input_bits;  ///< d ratio / d E[b_l^w], d ratio / d E[b_l^a]
};
ExpectedCost expected_cost(CostKind kind, std::span<const LayerShape> layers,
                           std::span<const double> weight_bits, std::span<const double> input_bits);

/// What a budget means for a model.
struct Capacity {
  std::int64_t most = 0;  ///< the largest integer cost allowed
  std::string
      reach{};  ///< the range of costs of the candidates, in words, when all of it is within the budget
};
/// A budget as config::read_budget takes it: "w4a8", "2%" or "0.02" (ratio to 32 x 32, or 32, everywhere),
/// with cost=size also "4.5bits" (mean weight bits over parameters) and "1.5MB" (codes alone, 10^6 bytes).
/// ConfigError when it does not fit the kind of cost or is below the cheapest candidates (the reachable range
/// is named).
Capacity parse_budget(const std::string& text, CostKind kind, std::span<const LayerShape> layers,
                      std::span<const Candidate> weight_candidates,
                      std::span<const Candidate> input_candidates);

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
