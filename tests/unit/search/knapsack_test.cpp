#include "search/knapsack.hpp"

#include <optional>

#include "catch.hpp"
#include "core/error.hpp"
#include "core/random.hpp"

using namespace bitdarts;
using search::KnapsackOption;
using Groups = std::vector<std::vector<KnapsackOption>>;

namespace {

struct Solution {
  std::int64_t cost = 0;
  double value = 0;
};

Solution measure(const Groups& groups, const std::vector<std::size_t>& chosen) {
  REQUIRE(chosen.size() == groups.size());
  Solution s;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    REQUIRE(chosen[g] < groups[g].size());
    s.cost += groups[g][chosen[g]].cost;
    s.value += groups[g][chosen[g]].value;
  }
  return s;
}

// Every combination looked at.
std::optional<Solution> brute_force(const Groups& groups, std::int64_t capacity) {
  std::vector<std::size_t> digits(groups.size(), 0);
  std::optional<Solution> best;
  for (;;) {
    const auto s = measure(groups, digits);
    if (s.cost <= capacity && (!best || s.value > best->value + 1e-12)) best = s;
    std::size_t g = 0;
    while (g < digits.size() && ++digits[g] == groups[g].size()) digits[g++] = 0;
    if (g == digits.size()) return best;
  }
}

Groups random_groups(KeyedRandom& random, bool coarse) {
  Groups groups(1 + random.below(5));
  for (auto& group : groups) {
    group.resize(1 + random.below(6));
    for (auto& option : group) {
      option.cost = static_cast<std::int64_t>(random.below(coarse ? 5 : 1000));
      option.value =
          coarse ? static_cast<double>(random.below(4)) - 2 : random.normal();  // coarse: many ties
    }
  }
  return groups;
}

}  // namespace

TEST_CASE("the knapsack finds what looking at every combination finds, and says so when there is nothing") {
  KeyedRandom random(1, Stream::random_scheme);
  int infeasible = 0;
  for (int i = 0; i < 600; ++i) {
    const auto groups = random_groups(random, i % 2 == 0);
    const auto capacity = static_cast<std::int64_t>(random.below(i % 2 == 0 ? 12 : 2500));
    CAPTURE(i, capacity);
    const auto expected = brute_force(groups, capacity);
    if (!expected) {
      ++infeasible;
      REQUIRE_THROWS_AS(search::solve_knapsack(groups, capacity), ConfigError);
      continue;
    }
    const auto found = measure(groups, search::solve_knapsack(groups, capacity));
    REQUIRE(found.cost <= capacity);
    REQUIRE(found.value == Approx(expected->value).margin(1e-9));
  }
  CHECK(infeasible > 10);
  CHECK(infeasible < 300);
}

TEST_CASE("a budget met to the last unit is met") {
  const Groups groups{{{3, 1.0}, {5, 2.0}}, {{4, 1.0}, {7, 5.0}}};
  CHECK(search::solve_knapsack(groups, 12) == std::vector<std::size_t>{1, 1});
  CHECK(search::solve_knapsack(groups, 11) == std::vector<std::size_t>{0, 1});
  CHECK(search::solve_knapsack(groups, 9) == std::vector<std::size_t>{1, 0});
  CHECK(search::solve_knapsack(groups, 7) == std::vector<std::size_t>{0, 0});
  CHECK_THROWS_WITH(search::solve_knapsack(groups, 6),
                    Catch::Matchers::Contains("7") && Catch::Matchers::Contains("search.budget"));
}

TEST_CASE("of equal values the cheaper wins, then the first") {
  CHECK(search::solve_knapsack({{{5, 1.0}, {3, 1.0}, {3, 1.0}}}, 10) == std::vector<std::size_t>{1});
  CHECK(search::solve_knapsack({{{5, 0.0}, {0, 0.0}}, {{5, 0.0}, {0, 0.0}}}, 10) ==
        std::vector<std::size_t>{1, 1});
  CHECK(search::solve_knapsack({}, 0).empty());
}

TEST_CASE("costs near the largest integers do not overflow into a wrong answer") {
  constexpr std::int64_t huge = std::int64_t{1} << 60;
  const Groups groups{{{huge, 1.0}, {huge + 1, 2.0}}, {{huge, 1.0}, {huge + 1, 5.0}}};
  CHECK(search::solve_knapsack(groups, 2 * huge + 1) == std::vector<std::size_t>{0, 1});
}

TEST_CASE("a thinned front keeps to the budget and loses little") {
  KeyedRandom random(2, Stream::random_scheme);
  for (int i = 0; i < 30; ++i) {
    Groups groups(20);
    std::int64_t cheapest = 0, dearest = 0;
    for (auto& group : groups) {
      const double size = 1 + 50 * random.uniform();
      std::int64_t low = std::numeric_limits<std::int64_t>::max(), high = 0;
      for (const double bits : {2.0, 3.0, 4.0, 6.0, 8.0}) {  // diminishing returns, as bits have
        group.push_back({static_cast<std::int64_t>(1000 * size * bits),
                         -size * std::exp2(-bits) * (1 + random.uniform())});
        low = std::min(low, group.back().cost), high = std::max(high, group.back().cost);
      }
      cheapest += low, dearest += high;
    }
    const std::int64_t capacity =
        cheapest + static_cast<std::int64_t>(random.uniform() * static_cast<double>(dearest - cheapest));
    const auto exact = measure(groups, search::solve_knapsack(groups, capacity));
    const auto worst = measure(groups, std::vector<std::size_t>(20, 0));
    for (const std::size_t limit : {2, 10, 500}) {
      const auto found = measure(groups, search::solve_knapsack(groups, capacity, limit));
      CAPTURE(i, limit, exact.value, found.value);
      REQUIRE(found.cost <= capacity);
      REQUIRE(found.value <= exact.value + 1e-9);
      // An interval of 1/500 of the range may be given up at every one of the 20 groups.
      if (limit == 500) REQUIRE(exact.value - found.value < 0.04 * (exact.value - worst.value) + 1e-9);
    }
    REQUIRE(measure(groups, search::solve_knapsack(groups, cheapest, 2)).cost ==
            cheapest);  // nothing to spare
  }
}

TEST_CASE("options that another of their group beats are not chosen") {
  // Worth 0.5, 2.5, 3 and 5 together, at costs of 3, 5, 5 and 7: 5 buys the better of its two.
  const Groups few{{{1, 0.0}, {3, 2.0}}, {{2, 0.5}, {4, 3.0}}};
  Groups many = few;
  many[0].push_back({3, 1.0});  // as dear, worth less
  many[1].push_back({5, 3.0});  // dearer, worth as much
  using Choice = std::vector<std::size_t>;
  const std::vector<std::pair<std::int64_t, Choice>> wanted{{3, {0, 0}}, {4, {0, 0}}, {5, {0, 1}},
                                                            {6, {0, 1}}, {7, {1, 1}}, {9, {1, 1}}};
  for (const auto& [capacity, choice] : wanted) {
    CAPTURE(capacity);
    CHECK(search::solve_knapsack(few, capacity) == choice);
    CHECK(search::solve_knapsack(many, capacity) == choice);
  }
}
