#include "sweep/statistics.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

#include "report/comparison.hpp"
#include "report/format.hpp"

namespace bitdarts::sweep {

Spread spread_of(std::span<const double> values) {
  Spread spread;
  double sum = 0;
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    sum += value;
    ++spread.count;
  }
  if (spread.count == 0) return spread;
  const auto count = static_cast<double>(spread.count);
  spread.mean = sum / count;
  double squares = 0;
  for (const double value : values)
    if (std::isfinite(value)) squares += (value - spread.mean) * (value - spread.mean);
  if (spread.count > 1) spread.deviation = std::sqrt(squares / (count - 1));
  return spread;
}

std::string in_words(const Spread& spread, int decimals) {
  const std::string mean = report::fixed(spread.mean, decimals);
  return std::isfinite(spread.deviation) ? mean + " ± " + report::fixed(spread.deviation, decimals) : mean;
}

std::vector<std::size_t> pareto_front(std::span<const CostPoint> points) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < points.size(); ++i)
    if (std::isfinite(points[i].cost) && std::isfinite(points[i].value)) order.push_back(i);
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return points[a].cost < points[b].cost; });
  // Costs that are the same are made equal: to the lowest of them.
  std::vector<double> cost(points.size(), NAN);
  double lowest = NAN;
  for (const std::size_t i : order) {
    if (!(points[i].cost <= lowest * (1 + report::same_cost))) lowest = points[i].cost;
    cost[i] = lowest;
  }
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::tuple(cost[a], points[a].value, a) < std::tuple(cost[b], points[b].value, b);
  });
  std::vector<std::size_t> front;
  double best = std::numeric_limits<double>::infinity();
  for (const std::size_t i : order) {
    const bool twin =
        !front.empty() && cost[front.back()] == cost[i] && points[front.back()].value == points[i].value;
    if (points[i].value < best || twin) front.push_back(i);
    best = std::min(best, points[i].value);
  }
  return front;
}

}  // namespace bitdarts::sweep
