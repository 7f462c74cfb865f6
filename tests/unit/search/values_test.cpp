// What the search finds candidates to be worth, for each budget, and what it leaves alone with frozen
// weights.
#include <cmath>

#include "bench.hpp"
#include "catch.hpp"
#include "scratch_directory.hpp"
#include "search/assign.hpp"

using namespace search_test;

namespace {

const std::vector<std::string> names{"lsq+:4", "pact:8", "uniform:3", "fp32"};

config::SearchOptions short_search(std::int64_t steps) {
  config::SearchOptions options;
  options.steps = steps, options.batch = 4, options.warmup_steps = 1, options.log_every = 3;
  return options;
}

template <class T>
std::vector<T> copy(std::span<const T> values) {
  return {values.begin(), values.end()};
}

void run(search::Bilevel<float>& bilevel, std::int64_t begin = 0) {
  for (std::int64_t step = begin; step < bilevel.steps(); ++step) bilevel.step(step);
}

void check_same(search::Bilevel<float>& found, search::Bilevel<float>& expected) {
  CHECK((copy(found.weights().values()) == copy(expected.weights().values())));
  CHECK(found.bank().alpha == expected.bank().alpha);
  CHECK(found.bank().theta == expected.bank().theta);
  CHECK(found.values() == expected.values());
  CHECK(found.reached() == expected.reached());
  for (const std::string column : {"outer_loss", "error", "cost", "target", "lambda_cost", "temperature"})
    CHECK(found.metrics().column("search", column) == expected.metrics().column("search", column));
  CHECK(found.metrics().matrices() == expected.metrics().matrices());
}

}  // namespace

TEST_CASE("frozen weights stay as they are and have no optimiser state, on either level of the quantizers") {
  for (const std::string level : {"outer", "inner"}) {
    CAPTURE(level);
    Bench<float> bench;
    auto options = short_search(6);
    options.weights = "frozen", options.quantizer_level = level;
    const auto start = bench.bank(names, names, {}, 0);
    auto bilevel = bench.bilevel(options, start, {bench.budget_of("w4a8", names)});
    run(bilevel);
    CHECK((copy(bilevel.weights().values()) == bench.weights()));
    CHECK(bilevel.bank().alpha != start.alpha);
    CHECK(bilevel.bank().theta != start.theta);
    CHECK(bilevel.metrics().column("inner", "loss").size() == (level == "inner" ? 6 : 0));

    const ScratchDirectory scratch;
    auto file = store::File::create(scratch.path() / "state.h5");
    bilevel.save(file);
    CHECK_FALSE(file.has("/state/parameters"));
    CHECK_FALSE(file.has("/optimizer/weights"));
    CHECK(file.has("/optimizer/alpha"));
    options.weights = "trained";
    auto trained = bench.bilevel(options, start, {bench.budget_of("w4a8", names)});
    run(trained);
    CHECK((copy(trained.weights().values()) != bench.weights()));
    auto other = store::File::create(scratch.path() / "trained.h5");
    trained.save(other);
    CHECK(other.has("/state/parameters"));
    CHECK(other.has("/optimizer/weights"));
  }
}

TEST_CASE("with frozen weights there is no second order to take") {
  for (const std::string level : {"outer", "inner"}) {
    Bench<float> bench;
    auto options = short_search(6);
    options.weights = "frozen", options.quantizer_level = level;
    const auto start = bench.bank(names, names, {.per_channel = true, .tie_shared_input = true}, 0);
    const auto budget = bench.budget_of("w4a8", names);
    auto first = bench.bilevel(options, start, {budget});
    options.order = "second";
    auto second = bench.bilevel(options, start, {budget});
    run(first), run(second);
    check_same(second, first);
  }
}

TEST_CASE("frozen weights and quantizers of the inner level: ranges follow the inner gradient alone") {
  Bench<double> bench;
  auto options = fixed_options();
  options.weights = "frozen", options.quantizer_level = "inner";
  const auto start = bench.bank({"lsq+:4", "fp32"}, {"lsq+:4", "fp32"}, {}, 0);
  auto bilevel = bench.bilevel(options, start);
  bilevel.step(0);
  auto mixing = start;
  mixing.alpha = bilevel.bank().alpha;  // of after the outer step
  quant::update_probabilities(mixing, options.temperature);
  const auto inner = bench.engine.gradient(bench.parameters, &mixing, {bench.inner, 0, options.batch}, {});
  const auto trained = quant::trained_theta(start);
  int seen = 0;
  for (std::size_t i = 0; i < trained.size(); ++i) {
    if (!trained[i] || std::abs(inner.theta[i]) < 1e-6) continue;
    CHECK((bilevel.bank().theta[i] < start.theta[i]) == (inner.theta[i] > 0));
    ++seen;
  }
  CHECK(seen > 10);
}

TEST_CASE(
    "a candidate's value is the running mean of its error, at the step that the budget's time ends, a "
    "weight's "
    "less what finetuning recovers") {
  Bench<double> bench;
  auto options = fixed_options();
  options.error_measure = "fisher";
  options.weight_recovery = "0.6";
  options.steps = 40, options.warmup_steps = 2;
  const std::vector<search::Budget> budgets{bench.budget_of("w4a4", names), bench.budget_of("w4a8", names),
                                            bench.budget_of("5%", names)};
  auto bilevel = bench.bilevel(options, bench.bank(names, names, {.tie_shared_input = true}, 0.5), budgets);
  CHECK(bilevel.steps() > 40);
  std::vector<std::vector<std::vector<double>>> errors;  // by step, site and candidate
  std::vector<std::int64_t> ended(budgets.size(), -1);
  for (std::int64_t step = 0; step < bilevel.steps(); ++step) {
    errors.push_back(bilevel.outer_gradient(step).candidate_errors);
    bilevel.step(step);
    for (std::size_t b = 0; b < budgets.size(); ++b) {
      if (ended[b] >= 0 || bilevel.values()[b].empty()) continue;
      ended[b] = step;
      CHECK(bilevel.reached()[b] == bilevel.expected_ratio());
      for (std::size_t s = 0; s < errors[0].size(); ++s)
        for (std::size_t k = 0; k < errors[0][s].size(); ++k) {
          double sum = 0, weights = 0;
          for (std::int64_t past = 0; past <= step; ++past) {
            const double weight = std::pow(0.95, static_cast<double>(step - past));
            sum += weight * errors[static_cast<std::size_t>(past)][s][k], weights += weight;
          }
          const double counted = bilevel.bank().sites[s].role == quant::Role::weight ? 0.4 : 1.0;
          REQUIRE(bilevel.values()[b][s][k] == Approx(counted * sum / weights).epsilon(1e-10).margin(1e-14));
        }
    }
  }
  // From the dearest to the cheapest: 5 %, w4a8, w4a4.
  CHECK(ended[2] >= 0);
  CHECK(ended[2] < ended[1]);
  CHECK(ended[1] < ended[0]);
  CHECK(ended[0] == bilevel.steps() - 1);
  CHECK(bilevel.values()[0] != bilevel.values()[1]);
}

TEST_CASE(
    "with a relative error methods of one width stand together, and the most probable of them is taken") {
  Bench<double> bench;
  auto options = fixed_options();
  const std::vector<std::string> methods{"lsq+:4", "uniform:8", "lsq+:8", "pact:8", "fp32"};
  const std::vector<double> p{0.3, 0.1, 0.25, 0.15, 0.2};
  auto bank = bench.bank(methods, methods, {}, 0);
  for (const auto& site : bank.sites)
    for (std::size_t k = 0; k < p.size(); ++k)
      bank.alpha[site.alpha + k] = options.temperature * std::log(p[k]);
  auto bilevel = bench.bilevel(options, bank);
  bilevel.settle(0);
  const double width[] = {0.3, 0.5, 0.5, 0.5, 0.2};
  REQUIRE(bilevel.values().size() == 1);
  for (const auto& of_site : bilevel.values()[0])
    for (std::size_t k = 0; k < p.size(); ++k)
      REQUIRE(of_site[k] == Approx(-std::log(width[k]) - 1e-6 * std::log(p[k])).epsilon(1e-12));
  // Alone, lsq+:4 has the largest probability.
  const auto scheme = search::assign(bilevel.bank(), bilevel.values()[0], quant::CostKind::bops, {});
  for (const auto& entry : scheme.entries) {
    CHECK((entry.weight == quant::parse_candidate("lsq+:8")));
    CHECK((entry.input == quant::parse_candidate("lsq+:8")));
  }
}

TEST_CASE("a search with several budgets that was saved and loaded goes on to the last bit") {
  const ScratchDirectory scratch;
  for (const std::string weights : {"trained", "frozen"})
    for (const std::string measure : {"fisher", "relative"}) {
      CAPTURE(weights, measure);
      Bench<float> bench;
      auto options = short_search(20);
      options.weights = weights, options.error_measure = measure;
      options.relaxation = weights == "frozen" ? "gumbel" : "softmax";
      const std::vector<search::Budget> budgets{bench.budget_of("w4a8", names), bench.budget_of("5%", names),
                                                bench.budget_of("w4a4", names)};
      const auto bank = bench.bank(names, names, {.per_channel = true, .tie_shared_input = true}, 0);
      auto whole = bench.bilevel(options, bank, budgets);
      run(whole);
      for (const auto& values : whole.values()) CHECK(values.size() == bank.sites.size());
      // Before any budget's end, between two, and before the last step.
      for (const std::int64_t cut : {std::int64_t{3}, whole.steps() / 2 + 2, whole.steps() - 1}) {
        CAPTURE(cut);
        auto first = bench.bilevel(options, bank, budgets), second = bench.bilevel(options, bank, budgets);
        for (std::int64_t step = 0; step < cut; ++step) first.step(step);
        const auto path = scratch.path() / "state.h5";
        auto file = store::File::create(path);
        first.save(file);
        file.close();
        second.load(store::File::open(path));
        CHECK(second.values() == first.values());
        run(second, cut);
        check_same(second, whole);
      }
      CHECK(whole.values()[0] != whole.values()[2]);
    }
}

TEST_CASE("a search that stops early has values for every budget") {
  Bench<float> bench(1);
  auto options = short_search(60);
  options.stop_after_stable = 5, options.alpha_learning_rate = 1e-9;  // nothing will change
  const std::vector<search::Budget> budgets{bench.budget_of("w4a4", names), bench.budget_of("w4a8", names)};
  auto bilevel = bench.bilevel(options, bench.bank(names, names, {}, 1), budgets);
  std::int64_t steps = 0;
  while (!bilevel.finished() && steps < bilevel.steps()) bilevel.step(steps++);
  CHECK(steps < bilevel.steps());
  CHECK_FALSE(bilevel.values()[1].empty());
  CHECK(bilevel.values()[0].empty());
  const auto kept = bilevel.values()[1];
  bilevel.settle(steps);
  CHECK(bilevel.values()[1] == kept);
  CHECK(bilevel.values()[0].size() == bilevel.bank().sites.size());
  CHECK(bilevel.reached()[0] == Approx(bilevel.expected_ratio()));
}
