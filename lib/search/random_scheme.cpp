#include "search/random_scheme.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "core/error.hpp"

namespace bitdarts::search {
namespace {

constexpr std::int64_t most_intervals = 1 << 14;
constexpr double least_share = 0.99;  // of the budget
constexpr int attempts = 10000;

using Costs = std::vector<std::vector<std::int64_t>>;

using Options = std::map<std::int64_t, double>;  // by cost: their number

Options options_by_cost(const std::vector<std::int64_t>& costs) {
  Options options;
  for (const std::int64_t cost : costs) ++options[cost];
  return options;
}

// How many ways there are to serve the groups from g on at a total of c units, up to a factor common to all c
// (the numbers themselves leave the range of a double): rows[g][c].
using Ways = std::vector<std::vector<double>>;

Ways count_ways(const Costs& units, std::size_t limit) {
  Ways rows(units.size() + 1, std::vector<double>(limit + 1, 0.0));
  rows.back()[0] = 1;
  for (std::size_t g = units.size(); g-- > 0;) {
    for (const auto& [cost, number] : options_by_cost(units[g])) {
      const auto shift = static_cast<std::size_t>(cost);
      for (std::size_t c = shift; c <= limit; ++c) rows[g][c] += number * rows[g + 1][c - shift];
    }
    const double largest = *std::max_element(rows[g].begin(), rows[g].end());
    constexpr double vanishing = 1e-290;  // what is not told from 0 any more has no digits left either
    if (largest > 0)
      for (double& ways : rows[g]) ways = ways < vanishing * largest ? 0 : ways / largest;
  }
  return rows;
}

// An index with probability in proportion to its weight; weights.size() when all are 0.
std::size_t draw(const std::vector<double>& weights, KeyedRandom& random) {
  double left = random.uniform() * std::accumulate(weights.begin(), weights.end(), 0.0);
  std::size_t last = weights.size();
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] <= 0) continue;
    last = i;
    left -= weights[i];
    if (left < 0) break;
  }
  return last;
}

std::int64_t unit_of(const Costs& costs, std::int64_t most) {
  std::int64_t divisor = 0;
  for (const auto& group : costs)
    for (const std::int64_t cost : group) divisor = std::gcd(divisor, cost);
  divisor = std::max<std::int64_t>(1, divisor);
  return most / divisor <= most_intervals ? divisor : most / most_intervals + 1;
}

std::vector<std::size_t> draw_by_counting(const Costs& costs, std::int64_t least, std::int64_t most,
                                          KeyedRandom& random) {
  const std::int64_t unit = unit_of(costs, most);
  Costs units = costs;
  std::int64_t rounding = 0;  // rounded down, a total loses so many units at most
  for (auto& group : units) {
    const bool exact =
        std::all_of(group.begin(), group.end(), [unit](std::int64_t cost) { return cost % unit == 0; });
    rounding += exact ? 0 : 1;
    for (std::int64_t& cost : group) cost /= unit;
  }
  const auto limit = static_cast<std::size_t>(most / unit);
  const Ways ways = count_ways(units, limit);
  const auto lowest =
      static_cast<std::size_t>(std::max<std::int64_t>(0, (least + unit - 1) / unit - rounding));
  std::vector<double> totals(ways.front().begin(), ways.front().end());
  std::fill(totals.begin(), totals.begin() + static_cast<std::ptrdiff_t>(std::min(lowest, totals.size())),
            0.0);
  constexpr double precise = 1e-200;  // of the largest: what it is the sum of has not vanished
  if (*std::max_element(totals.begin(), totals.end()) < precise) return {};
  for (int attempt = 0; attempt < attempts; ++attempt) {
    std::size_t total = draw(totals, random);
    std::vector<std::size_t> chosen;
    std::int64_t cost = 0;
    for (std::size_t g = 0; g < units.size(); ++g) {
      std::vector<double> weights;
      for (const std::int64_t c : units[g])
        weights.push_back(
            static_cast<std::size_t>(c) <= total ? ways[g + 1][total - static_cast<std::size_t>(c)] : 0.0);
      chosen.push_back(draw(weights, random));
      total -= static_cast<std::size_t>(units[g][chosen.back()]);
      cost += costs[g][chosen.back()];
    }
    if (cost >= least && cost <= most) return chosen;
  }
  return {};
}

// exp(-rate cost), but for a factor that a group has in common.
double tilt(double rate, std::int64_t cost, std::int64_t cheapest, std::int64_t dearest) {
  return std::exp(-rate * static_cast<double>(cost - (rate > 0 ? cheapest : dearest)));
}

// The mean total when every group's options are drawn in proportion to exp(-rate cost).
double tilted_mean(const std::vector<Options>& groups, double rate) {
  double mean = 0;
  for (const Options& options : groups) {
    double sum = 0, moment = 0;
    for (const auto& [cost, number] : options) {
      const double weight = number * tilt(rate, cost, options.begin()->first, options.rbegin()->first);
      sum += weight;
      moment += weight * static_cast<double>(cost);
    }
    mean += moment / sum;
  }
  return mean;
}

// Each group for itself, dear options less (or more) probable by a rate that brings the mean total to the
// nearer bound; what is within the bounds is then accepted with the probability that makes all equally
// probable again. For many groups, where counting would have to round more than the bounds allow, or the
// choices are too rare among all for the range of a double.
std::vector<std::size_t> draw_by_tilting(const Costs& costs, std::int64_t least, std::int64_t most,
                                         KeyedRandom& random) {
  std::vector<Options> groups;
  for (const auto& group : costs) groups.push_back(options_by_cost(group));
  const double aim =
      std::clamp(tilted_mean(groups, 0), static_cast<double>(least), static_cast<double>(most));
  double low = -50, high = 50;  // e^-50 for a unit more or less: as good as never
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (tilted_mean(groups, middle) > aim ? low : high) = middle;
  }
  const double rate = (low + high) / 2;
  std::vector<std::vector<double>> weights(costs.size());
  for (std::size_t g = 0; g < costs.size(); ++g)
    for (const std::int64_t cost : costs[g])
      weights[g].push_back(tilt(rate, cost, groups[g].begin()->first, groups[g].rbegin()->first));
  const std::int64_t bound = rate > 0 ? most : least;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    std::vector<std::size_t> chosen;
    std::int64_t cost = 0;
    for (std::size_t g = 0; g < costs.size(); ++g) {
      chosen.push_back(draw(weights[g], random));
      cost += costs[g][chosen.back()];
    }
    if (cost < least || cost > most) continue;
    if (random.uniform() < std::exp(rate * static_cast<double>(cost - bound))) return chosen;
  }
  return {};
}

}  // namespace

std::vector<std::size_t> draw_within(const Costs& costs, std::int64_t least, std::int64_t most,
                                     KeyedRandom& random) {
  auto chosen = draw_by_counting(costs, least, most, random);
  if (chosen.empty()) chosen = draw_by_tilting(costs, least, most, random);
  return chosen;
}

Findings find_at_random(const Workbench& bench, std::uint64_t number) {
  const Problem& problem = bench.problem;
  const auto groups = decision_groups(problem.bank);
  Findings findings = untrained(problem);
  for (const Budget& budget : problem.budgets) {
    std::vector<std::vector<GroupOption>> options;
    Costs costs;
    for (const auto& group : groups) {
      options.push_back(options_of(problem.bank, group, budget.cost));
      costs.emplace_back();
      for (const auto& option : options.back()) costs.back().push_back(option.cost);
    }
    const std::int64_t most =
        budget.capacity.value_or(quant::largest_cost(budget.cost, problem.layout.linears));
    KeyedRandom random(problem.seed, Stream::random_scheme, number, static_cast<std::uint64_t>(most));
    std::vector<std::size_t> chosen;
    double below = budget.capacity ? 1 - least_share : 1.0;
    for (; chosen.empty(); below *= 2) {
      const double share = std::max(0.0, 1 - below);
      const auto least = static_cast<std::int64_t>(std::ceil(share * static_cast<double>(most)));
      chosen = draw_within(costs, least, most, random);
      if (chosen.empty() && below >= 1)
        throw ConfigError("no scheme of the candidates is within the budget",
                          "search.budget = " + budget.text);
    }
    std::vector<GroupOption> taken;
    for (std::size_t g = 0; g < groups.size(); ++g) taken.push_back(options[g][chosen[g]]);
    findings.schemes.push_back(scheme_of(problem.bank, groups, taken));
  }
  findings.steps = static_cast<std::int64_t>(findings.schemes.size());
  return findings;
}

}  // namespace bitdarts::search
