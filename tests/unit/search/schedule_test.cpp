// What the search aims at: formulas written a second time, step by step.
#include "search/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "catch.hpp"

using namespace bitdarts;
using search::Schedule;

namespace {

config::SearchOptions options_of(std::int64_t steps, std::int64_t warmup, double ramp) {
  config::SearchOptions options;
  options.steps = steps, options.warmup_steps = warmup, options.cost_ramp = ramp;
  options.temperature = 2, options.final_temperature = 0.5;
  return options;
}

// One budget below the start, as documented: the target falls geometrically over cost_ramp of the steps after
// the warm-up and stays; τ stays until then, falls geometrically over 75 % of the rest and stays; the rate of
// α follows τ and falls to a tenth over the last quarter.
struct OneBudget {
  config::SearchOptions options;
  double start, budget;
  double after_warmup() const { return static_cast<double>(options.steps - options.warmup_steps); }
  double reached() const {
    return static_cast<double>(options.warmup_steps) + options.cost_ramp * after_warmup();
  }
  double target(std::int64_t step) const {
    const double at = static_cast<double>(step), begin = static_cast<double>(options.warmup_steps);
    if (at >= reached()) return budget;
    if (at <= begin) return start;
    const double share = (at - begin) / (reached() - begin);
    return std::exp((1 - share) * std::log(start) + share * std::log(budget));
  }
  double temperature(std::int64_t step) const {
    const double at = static_cast<double>(step);
    if (at <= reached()) return options.temperature;
    const double share = std::min(
        1.0, (at - reached()) / std::max(1.0, 0.75 * (static_cast<double>(options.steps) - 1 - reached())));
    return std::exp((1 - share) * std::log(options.temperature) +
                    share * std::log(options.final_temperature));
  }
  double rate(std::int64_t step) const {
    const double settling = std::max(1.0, 0.25 * (1 - options.cost_ramp) * after_warmup());
    const double fall = std::min(1.0, static_cast<double>(options.steps - step) / settling);
    return options.alpha_learning_rate * temperature(step) / options.temperature * std::max(0.1, fall);
  }
};

const std::vector<double> eight{0.01, 0.002, 0.05, 0.0049, 0.02, 0.003, 0.1, 0.03};

// The budgets by the step that their time ends with; each once, whatever the schedule.
std::vector<std::int64_t> ends_of(const Schedule& schedule, std::size_t budgets) {
  std::vector<std::int64_t> ends(budgets, -1);
  for (std::int64_t step = 0; step < schedule.steps(); ++step)
    for (const std::size_t budget : schedule.ending(step)) {
      REQUIRE(budget < budgets);
      REQUIRE(ends[budget] == -1);
      ends[budget] = step;
    }
  for (const std::int64_t end : ends) REQUIRE(end >= 0);
  return ends;
}

void check_monotone(const Schedule& schedule) {
  for (std::int64_t step = 1; step < schedule.steps(); ++step) {
    REQUIRE(schedule.target(step) <= schedule.target(step - 1) * (1 + 1e-12));
    REQUIRE(schedule.temperature(step) <= schedule.temperature(step - 1));
    REQUIRE(schedule.temperature(step) > 0);
    REQUIRE(schedule.alpha_learning_rate(step) > 0);
    REQUIRE(std::isfinite(schedule.alpha_learning_rate(step)));
  }
}

}  // namespace

TEST_CASE("one budget: the target falls, then the temperature, then the rate of alpha, by their formulas") {
  struct Case {
    std::int64_t steps, warmup;
    double ramp;
  };
  for (const auto& c : {Case{500, 50, 0.5}, Case{120, 0, 0.3}, Case{37, 5, 0.9}, Case{10, 9, 0.5}}) {
    CAPTURE(c.steps, c.warmup, c.ramp);
    const OneBudget expected{options_of(c.steps, c.warmup, c.ramp), 0.13, 0.0049};
    const Schedule schedule(expected.options, expected.start, {expected.budget});
    REQUIRE(schedule.steps() == c.steps);
    for (std::int64_t step = 0; step < c.steps; ++step) {
      CAPTURE(step);
      REQUIRE(schedule.target(step) == Approx(expected.target(step)).epsilon(1e-12));
      REQUIRE(schedule.temperature(step) == Approx(expected.temperature(step)).epsilon(1e-12));
      REQUIRE(schedule.alpha_learning_rate(step) == Approx(expected.rate(step)).epsilon(1e-12));
      REQUIRE(schedule.at_last(step) == (static_cast<double>(step) >= expected.reached()));
      REQUIRE(schedule.ending(step).empty() == (step + 1 != c.steps));
    }
    CHECK(ends_of(schedule, 1) == std::vector<std::int64_t>{c.steps - 1});
  }
}

TEST_CASE(
    "a ramp of nothing aims at the budget from the start, and one of all the time gets there at the end") {
  const Schedule none(options_of(100, 10, 0.0), 0.2, {0.01});
  for (std::int64_t step = 0; step < 100; ++step) REQUIRE(none.target(step) == 0.01);
  const Schedule whole(options_of(100, 10, 1.0), 0.2, {0.01});
  CHECK(whole.target(55) == Approx(std::sqrt(0.2 * 0.01)));
  CHECK(whole.target(100) == Approx(0.01));
  check_monotone(whole);
  CHECK(ends_of(whole, 1) == std::vector<std::int64_t>{99});
}

TEST_CASE("without a budget the target is 0 throughout and the temperature falls all the same") {
  const auto options = options_of(100, 10, 0.5);
  for (const std::vector<double>& targets : {std::vector<double>{}, std::vector<double>{0.0}}) {
    const Schedule schedule(options, 0.2, targets);
    CHECK(schedule.steps() == 100);
    for (std::int64_t step = 0; step < 100; ++step) REQUIRE(schedule.target(step) == 0);
    check_monotone(schedule);
    for (std::int64_t step = 0; step <= 10; ++step) REQUIRE(schedule.temperature(step) == 2);
    CHECK(schedule.temperature(99) == Approx(0.5));
    CHECK(ends_of(schedule, 1) == std::vector<std::int64_t>{99});
  }
}

TEST_CASE("a budget above the cost at the start is the target from the beginning") {
  const Schedule schedule(options_of(100, 10, 0.5), 0.2, {0.3});
  for (std::int64_t step = 0; step < 100; ++step) REQUIRE(schedule.target(step) == 0.3);
  check_monotone(schedule);
  CHECK(ends_of(schedule, 1) == std::vector<std::int64_t>{99});
  // With one below it: first the one, then the way to the other.
  const Schedule both(options_of(100, 10, 0.5), 0.2, {0.01, 0.3});
  check_monotone(both);
  CHECK(both.target(0) == 0.3);
  CHECK(both.target(both.steps() - 1) == Approx(0.01));
  const auto ends = ends_of(both, 2);
  CHECK(both.target(ends[1]) == 0.3);
  CHECK(ends[1] < ends[0]);
  CHECK(ends[0] == both.steps() - 1);
}

TEST_CASE("several budgets in any order: each one's time ends once, at its target, the highest first") {
  auto targets = eight;
  for (int turn = 0; turn < 8; ++turn) {
    std::rotate(targets.begin(), targets.begin() + 3, targets.end());
    const auto options = options_of(500, 50, 0.5);
    const Schedule schedule(options, 0.13, targets);
    check_monotone(schedule);
    const auto ends = ends_of(schedule, targets.size());
    for (std::size_t a = 0; a < targets.size(); ++a) {
      CHECK(schedule.target(ends[a]) == Approx(targets[a]).epsilon(1e-12));
      for (std::size_t b = 0; b < targets.size(); ++b)
        if (targets[a] > targets[b]) CHECK(ends[a] < ends[b]);
    }
    CHECK(*std::max_element(ends.begin(), ends.end()) == schedule.steps() - 1);
    for (std::int64_t step = 0; step < 50; ++step) REQUIRE(schedule.target(step) == Approx(0.13));

    // The way down takes its share of the steps in all, and every budget the same time of what is left.
    const double time = static_cast<double>(schedule.steps() - 50), stay = time * 0.5 / 8;
    double falling = 0;
    for (std::int64_t step = 50; step + 1 < schedule.steps(); ++step)
      falling += schedule.target(step + 1) < schedule.target(step) * (1 - 1e-12);
    CHECK(std::abs(falling - 0.5 * time) <= 8);  // a step of each may fall on both
    for (std::size_t b = 0; b < targets.size(); ++b) {
      double at_target = 0;
      for (std::int64_t step = 0; step < schedule.steps(); ++step)
        at_target += std::abs(schedule.target(step) / targets[b] - 1) < 1e-12;
      CHECK(std::abs(at_target - stay) <= 1);
    }
    // τ stays as it is until the last of them is reached: no α may saturate before.
    for (std::int64_t step = 0; step < schedule.steps(); ++step)
      if (!schedule.at_last(step)) REQUIRE(schedule.temperature(step) == options.temperature);
    CHECK(schedule.temperature(schedule.steps() - 1) == Approx(options.final_temperature));
    CHECK(schedule.at_last(schedule.steps() - 1));
  }
}

TEST_CASE("budgets of the same cost end together, and cost no more steps than one") {
  const auto options = options_of(200, 20, 0.5);
  const Schedule one(options, 0.13, {0.01}), three(options, 0.13, {0.01, 0.01, 0.01});
  CHECK(three.steps() == one.steps());
  for (std::int64_t step = 0; step < one.steps(); ++step) {
    REQUIRE(three.target(step) == one.target(step));
    REQUIRE(three.temperature(step) == one.temperature(step));
  }
  CHECK(ends_of(three, 3) == std::vector<std::int64_t>{199, 199, 199});
  const Schedule mixed(options, 0.13, {0.02, 0.01, 0.02});
  const auto ends = ends_of(mixed, 3);
  CHECK(ends[0] == ends[2]);
  CHECK(ends[0] < ends[1]);
}

TEST_CASE("eight budgets cost at most 1.3 times the steps of one") {
  for (const std::int64_t steps : {100, 333, 500, 20000}) {
    const Schedule schedule(options_of(steps, 50, 0.5), 0.13, eight);
    CHECK(schedule.steps() > steps);
    CHECK(static_cast<double>(schedule.steps()) <= 1.3 * static_cast<double>(steps));
  }
}

TEST_CASE("with hardly a step after the warm-up every budget's time ends once all the same") {
  for (const std::int64_t steps : {1, 2, 4, 11, 20})
    for (const double ramp : {0.0, 0.5, 1.0})
      for (const std::int64_t warmup : {std::int64_t{0}, steps - 1}) {
        CAPTURE(steps, ramp, warmup);
        const Schedule schedule(options_of(steps, warmup, ramp), 0.13, eight);
        check_monotone(schedule);
        const auto ends = ends_of(schedule, eight.size());
        for (std::size_t a = 0; a < eight.size(); ++a)
          for (std::size_t b = 0; b < eight.size(); ++b)
            if (eight[a] > eight[b]) CHECK(ends[a] <= ends[b]);
      }
}

TEST_CASE("on the way from a budget above the start cost no step aims above the start") {
  const auto options = options_of(60, 0, 0.5);
  const double start = 0.045;
  const Schedule schedule(options, start, {0.0625, 0.035, 0.0117});
  double above = 0;
  for (std::int64_t step = 0; step < schedule.steps(); ++step) {
    const double target = schedule.target(step);
    const bool stays = target == 0.0625;
    if (!stays) CHECK(target <= start);
    above += stays;
  }
  // It takes its stay and nothing of the way down: a third of the half that the ways leave.
  CHECK(above == Approx(static_cast<double>(schedule.steps()) / 6).margin(1));
}

TEST_CASE("a budget that no time is left for ends all the same, before the next") {
  const Schedule schedule(options_of(40, 0, 1.0), 0.045, {0.0625, 0.0117});
  const auto ends = ends_of(schedule, 2);
  CHECK(ends[0] == 0);
  CHECK(ends[1] == schedule.steps() - 1);
}
