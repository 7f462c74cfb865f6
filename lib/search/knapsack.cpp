#include "search/knapsack.hpp"

#include <algorithm>
#include <string>

#include "core/error.hpp"

namespace bitdarts::search {
namespace {

struct Point {
  std::int64_t cost;
  double value;
  std::uint32_t parent, option;
};

// Points that no other beats in both cost and value, by rising cost (and so rising value).
std::vector<Point> pareto(std::vector<Point> points) {
  std::sort(points.begin(), points.end(), [](const Point& a, const Point& b) {
    if (a.cost != b.cost) return a.cost < b.cost;
    if (a.value != b.value) return a.value > b.value;
    if (a.parent != b.parent) return a.parent < b.parent;
    return a.option < b.option;
  });
  std::vector<Point> front;
  for (const Point& p : points) {
    if (front.empty() || p.value > front.back().value) front.push_back(p);
  }
  return front;
}

std::vector<Point> points_of(const std::vector<KnapsackOption>& options) {
  std::vector<Point> points;
  for (std::uint32_t o = 0; o < options.size(); ++o)
    points.push_back({options[o].cost, options[o].value, 0, o});
  return points;
}

// Keeps the cheapest point and the last (best) one of each of `limit` equal cost intervals.
std::vector<Point> thin(const std::vector<Point>& front, std::size_t limit) {
  if (front.size() <= limit) return front;
  const double low = static_cast<double>(front.front().cost);
  const double width = (static_cast<double>(front.back().cost) - low) / static_cast<double>(limit - 1);
  const auto interval = [&](const Point& p) {
    return static_cast<std::size_t>((static_cast<double>(p.cost) - low) / width);
  };
  std::vector<Point> kept{front.front()};
  for (std::size_t i = 1; i < front.size(); ++i) {
    const bool last_of_interval = i + 1 == front.size() || interval(front[i + 1]) != interval(front[i]);
    if (last_of_interval) kept.push_back(front[i]);
  }
  return kept;
}

}  // namespace

std::vector<std::size_t> solve_knapsack(const std::vector<std::vector<KnapsackOption>>& groups,
                                        std::int64_t capacity, std::size_t front_limit) {
  // What the groups after g cost at least: nothing is kept that cannot be completed within the capacity.
  std::vector<std::int64_t> rest(groups.size() + 1, 0);
  for (std::size_t g = groups.size(); g-- > 0;) {
    std::int64_t cheapest = groups[g].front().cost;
    for (const auto& option : groups[g]) cheapest = std::min(cheapest, option.cost);
    rest[g] = rest[g + 1] + cheapest;
  }
  if (rest[0] > capacity) {
    throw ConfigError("the budget cannot be met: the cheapest candidates cost " + std::to_string(rest[0]) +
                          ", the budget is " + std::to_string(capacity),
                      "search.budget", "raise the budget or add narrower candidates");
  }
  std::vector<std::vector<Point>> fronts{{{0, 0.0, 0, 0}}};
  for (std::size_t g = 0; g < groups.size(); ++g) {
    std::vector<Point> points;
    const auto& before = fronts.back();
    // An option that costs no less and is worth no more than another of its group is in no best solution: of
    // a hundred pairs of candidates a handful is left.
    const auto useful = pareto(points_of(groups[g]));
    for (std::uint32_t i = 0; i < before.size(); ++i) {
      for (const Point& option : useful) {
        const std::int64_t cost = before[i].cost + option.cost;
        if (cost + rest[g + 1] <= capacity)
          points.push_back({cost, before[i].value + option.value, i, option.option});
      }
    }
    fronts.push_back(thin(pareto(std::move(points)), front_limit));
  }
  std::vector<std::size_t> chosen(groups.size());
  std::size_t at = fronts.back().size() - 1;
  for (std::size_t g = groups.size(); g-- > 0;) {
    chosen[g] = fronts[g + 1][at].option;
    at = fronts[g + 1][at].parent;
  }
  return chosen;
}

}  // namespace bitdarts::search
