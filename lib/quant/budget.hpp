#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "quant/cost.hpp"

namespace bitdarts::quant {

/// What a budget means for a model: the one type that search and finetune hold costs against.
struct Budget {
  Cost cost;
  std::string text{};                      ///< as the user wrote it; empty: no budget
  std::optional<std::int64_t> capacity{};  ///< the largest integer cost allowed; none: no budget
  double target = 0;                       ///< capacity as a ratio to the full cost
  std::string
      reach{};  ///< the range of costs of the candidates, in words, when all of it is within the budget

  bool binding() const { return capacity && reach.empty(); }  ///< can the candidates cost more?
};

/// A budget as config::read_budget takes it: "w4a8", "2%" or "0.02" (ratio to 32 x 32, or 32, everywhere),
/// with cost=size also "4.5bits" (stored bits over parameters) and "1.5MB" (10^6 stored bytes); w4a8 with
/// cost=size allows what the method that stores most needs. ConfigError when it does not fit the kind of cost
/// or is below the cheapest candidates (the reachable range is named).
Budget parse_budget(const std::string& text, const Cost& cost, std::span<const LayerShape> layers,
                    std::span<const Candidate> weight_candidates,
                    std::span<const Candidate> input_candidates);
/// search.budget for the candidates of the options: one for each in the order of the option, or one without
/// capacity.
std::vector<Budget> parse_budgets(const config::SearchOptions& options,
                                  const config::QuantizerOptions& quantizer,
                                  std::span<const LayerShape> layers);

}  // namespace bitdarts::quant
