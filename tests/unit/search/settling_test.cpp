// When choices count as settled.
#include "bench.hpp"
#include "catch.hpp"

using namespace bitdarts;
using search_test::Bench;

namespace {
const std::vector<std::string> names{"lsq+:4", "lsq+:8"};
}

TEST_CASE("a search does not stop on stable choices while the target still falls to the budget") {
  Bench<float> bench(1);
  config::SearchOptions options;
  options.steps = 60, options.batch = 4, options.warmup_steps = 2, options.cost_ramp = 0.5;
  options.stop_after_stable = 5;
  options.alpha_learning_rate = 1e-9;  // nothing will change
  auto bilevel = bench.bilevel(options, bench.bank(names, names, {}, 1), {bench.budget_of("w4a8", names)});
  std::int64_t steps = 0;
  while (!bilevel.finished() && steps < 60) bilevel.step(steps++);
  CHECK(steps == 2 + 29 + 5);  // warm-up, half of the other 58 steps, five stable ones
}

TEST_CASE("the noise of a Gumbel search changes no choice") {
  Bench<float> bench(1);
  auto options = search_test::fixed_options();
  options.steps = 6, options.relaxation = "gumbel";
  options.alpha_learning_rate = 1e-9;
  auto bilevel = bench.bilevel(options, bench.bank(names, names, {}, 1));
  for (std::int64_t step = 0; step < options.steps; ++step) bilevel.step(step);
  const auto changes = bilevel.metrics().column("search", "argmax_changes");
  CHECK(changes == std::vector<double>(6, 0.0));
  const auto logged = bilevel.metrics().matrix("probability/" + bench.layout.linears[0].name + "/weight");
  REQUIRE(!logged.empty());
  for (const auto& row : logged) {
    for (std::size_t k = 0; k < row.size(); ++k) CHECK(row[k] == Approx(logged[0][k]).epsilon(1e-6));
  }
}
