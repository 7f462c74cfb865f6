// Schemes drawn from all that spend the budget.
#include "search/random_scheme.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>

#include "catch.hpp"

using namespace bitdarts;
using search::draw_within;

namespace {

using Costs = std::vector<std::vector<std::int64_t>>;
using Choice = std::vector<std::size_t>;

std::int64_t cost_of(const Costs& costs, const Choice& choice) {
  std::int64_t cost = 0;
  for (std::size_t g = 0; g < costs.size(); ++g) cost += costs[g].at(choice.at(g));
  return cost;
}

std::vector<Choice> all_within(const Costs& costs, std::int64_t least, std::int64_t most) {
  std::vector<Choice> found;
  Choice choice(costs.size());
  const std::function<void(std::size_t)> from = [&](std::size_t g) {
    if (g == costs.size()) {
      const std::int64_t cost = cost_of(costs, choice);
      if (cost >= least && cost <= most) found.push_back(choice);
      return;
    }
    for (choice[g] = 0; choice[g] < costs[g].size(); ++choice[g]) from(g + 1);
  };
  from(0);
  return found;
}

KeyedRandom random_of(std::uint64_t number) { return {17, Stream::random_scheme, number}; }

// Groups with options of costs that are multiples of `unit`, give or take `jitter`.
Costs random_costs(std::size_t groups, std::size_t options, std::int64_t unit, std::uint64_t jitter,
                   KeyedRandom& random) {
  Costs costs(groups);
  for (auto& group : costs)
    for (std::size_t o = 0; o < options; ++o)
      group.push_back(unit * static_cast<std::int64_t>(1 + random.below(9)) +
                      static_cast<std::int64_t>(random.below(jitter + 1)));
  return costs;
}

// Draws are as even over all choices as chance makes them: chi-square, six of its deviations off its mean at
// most.
void check_uniform(const Costs& costs, std::int64_t least, std::int64_t most, std::uint64_t number) {
  const auto all = all_within(costs, least, most);
  REQUIRE(all.size() > 5);
  std::map<Choice, double> seen;
  for (const auto& choice : all) seen[choice] = 0;
  auto random = random_of(number);
  constexpr double each = 30;
  const double draws = each * static_cast<double>(all.size());
  for (int i = 0; i < static_cast<int>(draws); ++i) {
    const auto choice = draw_within(costs, least, most, random);
    REQUIRE(seen.contains(choice));  // so it is within the bounds
    ++seen[choice];
  }
  double square = 0;
  for (const auto& [choice, count] : seen) square += (count - each) * (count - each) / each;
  const double freedom = static_cast<double>(all.size()) - 1;
  CAPTURE(all.size(), square, freedom);
  CHECK(std::abs(square - freedom) < 6 * std::sqrt(2 * freedom));
}

// Of so many layers, as costs of a network: multiply-accumulates times the bits of ten candidates each.
Costs network_costs(std::size_t groups, const std::vector<std::int64_t>& products) {
  const std::int64_t bits[] = {4, 8, 16, 4, 8, 16, 4, 8, 16, 32};
  Costs costs(groups);
  for (std::size_t g = 0; g < groups; ++g)
    for (const std::int64_t weight : bits)
      for (const std::int64_t input : bits)
        costs[g].push_back(products[g % products.size()] * weight * input);
  return costs;
}

}  // namespace

TEST_CASE("every choice within the bounds is drawn with the same probability") {
  auto random = random_of(1);
  for (std::uint64_t i = 0; i < 6; ++i) {
    const auto costs = random_costs(4, 4, 1, 0, random);
    check_uniform(costs, 15, 19, i);
  }
  // A choice of one cost with many ways and one with few.
  check_uniform({{1, 1, 1, 1, 2}, {1, 1, 1, 1, 2}}, 0, 4, 9);
}

TEST_CASE("costs that have to be rounded make no choice more probable, and none out of bounds") {
  auto random = random_of(2);
  for (std::uint64_t i = 0; i < 6; ++i) {
    // Far more than 2^14 units without a common divisor; bounds much narrower than the rounding of all.
    const auto costs = random_costs(4, 4, 1'000'000, 700'000, random);
    check_uniform(costs, 20'000'000, 23'000'000, i);
  }
  const std::int64_t large = std::int64_t{1} << 50;
  check_uniform({{large + 1, large + 2, 3 * large + 5}, {large + 3, large + 7, 2 * large}, {0, large, 11}},
                2 * large, 4 * large + 6, 7);
}

TEST_CASE("bounds are kept to the last unit where the rounding is much coarser") {
  auto random = random_of(3);
  const auto costs = random_costs(5, 3, 1'000'003, 900'000, random);
  const auto all = all_within(costs, 0, 1'000'000'000);
  std::vector<std::int64_t> totals;
  for (const auto& choice : all) totals.push_back(cost_of(costs, choice));
  std::sort(totals.begin(), totals.end());
  for (const std::size_t i : {std::size_t{0}, totals.size() / 3, totals.size() - 1}) {
    const auto choice = draw_within(costs, totals[i], totals[i], random);
    REQUIRE(choice.size() == costs.size());
    CHECK(cost_of(costs, choice) == totals[i]);
    if (i > 0 && totals[i] - totals[i - 1] > 1)
      CHECK(draw_within(costs, totals[i - 1] + 1, totals[i] - 1, random).empty());
  }
}

TEST_CASE("where no choice is within the bounds nothing is drawn") {
  auto random = random_of(4);
  const Costs costs{{4, 8}, {4, 8}, {4, 8}};
  CHECK(draw_within(costs, 0, 11, random).empty());
  CHECK(draw_within(costs, 13, 15, random).empty());
  CHECK(draw_within(costs, 25, 1000, random).empty());
  CHECK((draw_within(costs, 0, 12, random) == Choice{0, 0, 0}));
  CHECK((draw_within(costs, 24, 24, random) == Choice{1, 1, 1}));
  CHECK((draw_within(costs, 24, 1000, random) == Choice{1, 1, 1}));
}

TEST_CASE("options that cost nothing are options") {
  check_uniform({{0, 0, 5}, {0, 3}, {0, 0}}, 0, 3, 5);
  check_uniform({{0, 0, 0}, {0, 0}}, 0, 0, 6);
}

TEST_CASE("the draw depends on its random numbers and on nothing else") {
  auto random = random_of(5);
  const auto costs = random_costs(6, 5, 3, 2, random);
  auto first = random_of(6), again = random_of(6), other = random_of(7);
  bool differs = false;
  for (int i = 0; i < 20; ++i) {
    const auto choice = draw_within(costs, 60, 90, first);
    CHECK(choice == draw_within(costs, 60, 90, again));
    differs = differs || choice != draw_within(costs, 60, 90, other);
  }
  CHECK(differs);
}

TEST_CASE("three hundred groups of a hundred options: within one percent of any budget") {
  // Costs with a large common divisor, and costs that have to be rounded.
  const std::vector<std::vector<std::int64_t>> sizes{{4096 * 4096, 4096 * 11008},
                                                     {4099 * 4099, 1021 * 4099, 4099 * 11003, 50021 * 4099}};
  for (const auto& products : sizes) {
    const auto costs = network_costs(300, products);
    std::int64_t cheapest = 0, dearest = 0;
    for (const auto& group : costs) {
      cheapest += *std::min_element(group.begin(), group.end());
      dearest += *std::max_element(group.begin(), group.end());
    }
    // From next to all narrow to all wide, where one choice in 10^500 is.
    for (const double share : {0.0, 0.02, 0.25, 0.95}) {
      CAPTURE(products.size(), share);
      const auto most = std::max(cheapest, static_cast<std::int64_t>(share * static_cast<double>(dearest)));
      const auto least = static_cast<std::int64_t>(0.99 * static_cast<double>(most));
      auto random = random_of(static_cast<std::uint64_t>(1000 * share));
      const auto choice = draw_within(costs, least, most, random);
      REQUIRE(choice.size() == costs.size());
      CHECK(cost_of(costs, choice) >= least);
      CHECK(cost_of(costs, choice) <= most);
    }
  }
}

TEST_CASE("choices too rare to be counted are drawn as evenly as others") {
  // Of 150 groups of one option at 1 and fifty at 0, those where all but one group are at 1: 7500 of 10^256
  // choices. By group and by option, each is as probable.
  std::vector<std::int64_t> options(51, 0);
  options[0] = 1;
  const Costs costs(150, options);
  auto random = random_of(8);
  std::vector<double> by_group(5, 0.0), by_option(5, 0.0);
  constexpr double each = 20;
  for (int i = 0; i < 5 * each; ++i) {
    const auto choice = draw_within(costs, 149, 149, random);
    REQUIRE(choice.size() == costs.size());
    REQUIRE(cost_of(costs, choice) == 149);
    const auto odd = std::find_if(choice.begin(), choice.end(), [](std::size_t o) { return o > 0; });
    ++by_group[static_cast<std::size_t>(odd - choice.begin()) / 30];
    ++by_option[(*odd - 1) / 10];
  }
  for (const auto* counts : {&by_group, &by_option}) {
    double square = 0;
    for (const double count : *counts) square += (count - each) * (count - each) / each;
    CHECK(square < 4 + 6 * std::sqrt(8.0));
  }
}
