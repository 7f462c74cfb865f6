#pragma once
#include <cstdint>
#include <vector>

namespace bitdarts::search {

/// One way to serve a group of layers.
struct KnapsackOption {
  std::int64_t cost = 0;  ///< >= 0
  double value = 0;       ///< may be negative, not NaN
};

/// Multiple-choice knapsack: one option of every group, the total cost at most `capacity`, the total value as
/// large as possible. Exact dynamic programming over the Pareto front of (cost, value) (Nemhauser & Ullmann
/// 1969); a front beyond `front_limit` is thinned to its best point per cost interval, which gives up
/// optimality by at most that interval and never the budget. Returns the chosen option by group. ConfigError
/// when even the cheapest options together exceed the capacity. Ties go to the cheaper solution, then to the
/// lower option index.
std::vector<std::size_t> solve_knapsack(const std::vector<std::vector<KnapsackOption>>& groups,
                                        std::int64_t capacity,
                                        std::size_t front_limit = std::size_t{1} << 17);

}  // namespace bitdarts::search
