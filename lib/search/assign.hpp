#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "quant/bank.hpp"
#include "quant/cost.hpp"

namespace bitdarts::search {

/// What each candidate of each site is estimated to add to the loss [nats per token], by site and candidate:
/// what a strategy finds out. Only differences within a site matter.
using SiteValues = std::vector<std::vector<double>>;

/// The values with those of weights times 1 - `recovery` (search.weight_recovery): finetuning moves a weight
/// to where its quantized value serves the loss, and so takes back much of the error that was estimated for
/// it where it stood; the error of an input comes anew with every token.
SiteValues after_recovery(const quant::Bank& bank, SiteValues values, double recovery);

/// Layers that must choose together, by rising layer: those that share an input site (quantizer.tie).
std::vector<std::vector<std::size_t>> decision_groups(const quant::Bank& bank);

/// One way to serve a group: the candidates' indices, and what they cost.
struct GroupOption {
  std::size_t weight = 0, input = 0;
  std::int64_t cost = 0;
};
/// All pairs of candidates for a group of layers, weights before inputs.
std::vector<GroupOption> options_of(const quant::Bank& bank, const std::vector<std::size_t>& group,
                                    const quant::Cost& cost);

/// The scheme that gives group g the option chosen[g] of options_of().
quant::Scheme scheme_of(const quant::Bank& bank, const std::vector<std::vector<std::size_t>>& groups,
                        const std::vector<GroupOption>& chosen);

/// The scheme whose values add up to the least loss at a cost of at most `capacity` (none: whatever it
/// costs): a multiple-choice knapsack over the decision groups, exact as solve_knapsack() is. An input site
/// that several layers share counts once. `price`: loss that the whole cost ratio counts as besides [nats per
/// token], for a cost that is weighed instead of limited. ConfigError when even the cheapest candidates
/// exceed the capacity; Error when a value is NaN or infinite.
quant::Scheme assign(const quant::Bank& bank, const SiteValues& values, const quant::Cost& cost,
                     std::optional<std::int64_t> capacity, double price = 0);

}  // namespace bitdarts::search
