#pragma once
#include <cstdint>
#include <vector>

#include "config/config.hpp"

namespace bitdarts::search {

/// What the search aims at, step by step. After the warm-up the target falls from the cost at the start to
/// the budget, geometrically, over search.cost_ramp of the steps, and stays there for the rest. Of several
/// budgets the highest comes first: the way down takes the same share of the steps in all, and the rest is
/// divided among the budgets; when the time at one ends, its scheme is assigned, and the search goes on to
/// the next. Every budget after the first adds a twenty-fifth to the steps: eight cost 1.28 times one.
class Schedule {
 public:
  /// `targets`: the budgets as cost ratios, in any order; 0: no budget.
  Schedule(const config::SearchOptions& options, double start_ratio, std::vector<double> targets);

  std::int64_t steps() const { return steps_; }
  double target(std::int64_t step) const;
  /// τ: as it starts until the last budget is reached, for a saturated α cannot be moved back; then it falls
  /// geometrically to search.final_temperature, and stands still for the last quarter, so that the cost can
  /// settle.
  double temperature(std::int64_t step) const;
  /// Adam's rate of α. A step of α moves the logits by 1/τ of it, so the rate follows τ; while τ stands still
  /// at its end the rate falls to a tenth: the expected cost jumped by 4 % from step to step without the
  /// first and ended where it happened to be without both.
  double alpha_learning_rate(std::int64_t step) const;
  /// The budgets whose time ends with this step (indices into `targets`).
  std::vector<std::size_t> ending(std::int64_t step) const;
  /// Has the target reached the last of the budgets?
  bool at_last(std::int64_t step) const;

 private:
  struct Leg {
    double from = 0, to = 0;                 // targets
    double begin = 0, reached = 0, end = 0;  // steps
    std::vector<std::size_t> budgets;        // of this target
  };
  const Leg& leg_at(std::int64_t step) const;

  const config::SearchOptions options_;
  std::int64_t steps_;
  std::vector<Leg> legs_;
};

}  // namespace bitdarts::search
