#pragma once
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace bitdarts::sweep {

/// Mean and sample standard deviation, sqrt(Σ(x - mean)² / (n - 1)), of the finite values.
struct Spread {
  double mean = NAN, deviation = NAN;  ///< NaN without a value, and without a second one
  std::size_t count = 0;
};
Spread spread_of(std::span<const double> values);
/// "21.402 ± 0.031"; the mean alone where there is no deviation.
std::string in_words(const Spread& spread, int decimals);

/// The points that no other one dominates, by rising cost. A point dominates another when it is nowhere worse
/// and somewhere better; smaller is better, and costs that differ by no more than report::same_cost are the
/// same. What is not finite is on no front.
struct CostPoint {
  double cost, value;
};
std::vector<std::size_t> pareto_front(std::span<const CostPoint> points);

}  // namespace bitdarts::sweep
