#include "search/bilevel.hpp"

#include <unistd.h>

#include <filesystem>

#include "bench.hpp"
#include "catch.hpp"
#include "core/error.hpp"
#include "search/assign.hpp"

using namespace search_test;
namespace fs = std::filesystem;

namespace {

const std::vector<std::string> names{"lsq+:4", "pact:8", "uniform:3", "fp32"};

template <class T>
std::vector<T> copy(std::span<const T> values) {
  return {values.begin(), values.end()};
}

}  // namespace

TEST_CASE("the search of a small network settles within two percent of its budget, and its scheme below it") {
  const std::vector<std::string> candidates{"lsq+:3", "lsq+:4", "pact:4", "lsq+:8", "uniform:8", "fp32"};
  Bench<float> bench;
  // A network that has learnt something: one of random weights gains nothing from bits.
  train::Weights<float> pretrained(bench.layout, bench.weights());
  for (std::int64_t step = 0; step < 300; ++step) {
    auto gradient = bench.engine.gradient(pretrained.values(), nullptr, {bench.inner, step, 8}, {});
    pretrained.update(gradient.weights, step, {.learning_rate = 5e-3}, 1);
  }
  bench.parameters.assign(pretrained.values().begin(), pretrained.values().end());
  for (const std::string text : {"2%", "w4a8"}) {
    config::SearchOptions options;  // the defaults, λ_err's uncertainty and all
    options.steps = 300, options.batch = 8, options.warmup_steps = 30;
    const auto budget = bench.budget_of(text, candidates);
    auto bilevel = bench.bilevel(options, bench.bank(candidates, candidates, {}, 0), {budget});
    for (std::int64_t step = 0; step < options.steps; ++step) bilevel.step(step);
    CAPTURE(text);
    const auto cost = bilevel.metrics().column("search", "cost");
    REQUIRE(cost.size() == 300);
    double mean = 0;
    for (std::size_t i = 260; i < 300; ++i) {
      // One choice of this network is up to a twentieth of its whole cost, and batches of 40 tokens shake it:
      // steps swing, their mean does not.
      CHECK(cost[i] == Approx(budget.target).epsilon(0.1));
      mean += cost[i] / 40;
    }
    CHECK(mean == Approx(budget.target).epsilon(0.02));
    for (const double lambda : bilevel.metrics().column("search", "lambda_cost")) CHECK(lambda >= 0);
    for (const double lambda : bilevel.metrics().column("search", "lambda_cost_integral")) CHECK(lambda >= 0);
    const auto scheme =
        search::assign(bilevel.bank(), bilevel.values().front(), budget.cost, budget.capacity);
    CHECK(quant::scheme_cost(budget.cost, bench.layout.linears, scheme) <= *budget.capacity);
  }
}

TEST_CASE("a search that was saved and loaded goes on to the last bit") {
  const fs::path path =
      fs::temp_directory_path() / ("bitdarts-bilevel-test-" + std::to_string(getpid()) + ".h5");
  for (const std::string order : {"first", "second"})
    for (const std::string relaxation : {"softmax", "gumbel"}) {
      CAPTURE(order, relaxation);
      Bench<float> bench;
      config::SearchOptions options;
      options.steps = 8, options.batch = 4, options.warmup_steps = 1, options.log_every = 2;
      options.order = order, options.relaxation = relaxation;
      const auto budget = bench.budget_of("w4a8", names);
      const auto bank = bench.bank(names, names, {.per_channel = true, .tie_shared_input = true}, 0);
      auto whole = bench.bilevel(options, bank, {budget}), first = bench.bilevel(options, bank, {budget}),
           second = bench.bilevel(options, bank, {budget});
      for (std::int64_t step = 0; step < 8; ++step) whole.step(step);
      for (std::int64_t step = 0; step < 4; ++step) first.step(step);
      auto file = store::File::create(path);
      first.save(file);
      file.close();
      second.load(store::File::open(path));
      for (std::int64_t step = 4; step < 8; ++step) second.step(step);
      CHECK((copy(second.weights().values()) == copy(whole.weights().values())));
      CHECK(second.bank().alpha == whole.bank().alpha);
      CHECK(second.bank().theta == whole.bank().theta);
      CHECK(first.bank().alpha != whole.bank().alpha);
      for (const std::string column : {"outer_loss", "error", "cost", "target", "lambda_cost", "lambda_error",
                                       "entropy", "argmax_changes"})
        CHECK(second.metrics().column("search", column) == whole.metrics().column("search", column));
      CHECK(second.metrics().matrices() == whole.metrics().matrices());
    }
  fs::remove(path);
}

TEST_CASE("the levels take the steps they are said to take") {
  Bench<double> bench;
  auto options = fixed_options();
  options.order = "first";
  const auto start = bench.bank(names, names, {.per_channel = false, .tie_shared_input = true}, 0.5);
  auto bilevel = bench.bilevel(options, start);
  const auto outer = bench.bilevel(options, start).outer_gradient(0);
  bilevel.step(0);
  // Outer: Adam's first step is the sign of the gradient times the rate (per unit of the range), and α
  // decays.
  const auto& bank = bilevel.bank();
  for (std::size_t k = 0; k < bank.alpha.size(); ++k)
    REQUIRE(bank.alpha[k] - start.alpha[k] ==
            Approx(-options.alpha_learning_rate * (outer.alpha[k] / (std::abs(outer.alpha[k]) + 1e-8) +
                                                   options.alpha_decay * start.alpha[k]))
                .epsilon(1e-6)
                .margin(1e-12));
  const auto trained = quant::trained_theta(start);
  const auto scale = quant::theta_scale(start);
  for (std::size_t i = 0; i < bank.theta.size(); ++i)
    if (trained[i])
      REQUIRE(bank.theta[i] - start.theta[i] == Approx(-options.quantizer_learning_rate * scale[i] *
                                                       outer.theta[i] / (std::abs(outer.theta[i]) + 1e-8))
                                                    .epsilon(1e-6)
                                                    .margin(1e-12));
  // Inner: AdamW on L_CE alone, through the mix of the α and θ just updated.
  auto mixing = start;
  mixing.alpha = bank.alpha, mixing.theta = bank.theta;
  for (const auto& site : mixing.sites)  // the running maxima moved after the inner step
    for (std::size_t j = 0; j < site.candidates.size(); ++j)
      if (site.role == quant::Role::input && site.candidates[j].method == quant::Method::uniform)
        mixing.theta[site.range_at(j, 0)] = start.theta[site.range_at(j, 0)];
  quant::update_probabilities(mixing, options.temperature);
  auto inner = bench.engine.gradient(bench.parameters, &mixing, {bench.inner, 0, options.batch}, {});
  train::Weights<double> weights(bench.layout, bench.parameters);
  weights.update(inner.weights, 0,
                 {.learning_rate = options.weight_learning_rate, .weight_decay = options.weight_decay},
                 options.clip_norm);
  CHECK(tiny::relative_difference(bilevel.weights().values(), weights.values()) < 1e-14);
  CHECK(bilevel.metrics().column("inner", "loss").front() == Approx(inner.loss).epsilon(1e-12));
  CHECK(bilevel.metrics().column("search", "outer_loss").front() == Approx(outer.loss).epsilon(1e-12));
}

TEST_CASE("during warm-up alpha and lambda stand still while weights and quantizers learn") {
  Bench<float> bench;
  config::SearchOptions options;
  options.steps = 10, options.batch = 4, options.warmup_steps = 3;
  const auto start = bench.bank(names, names, {}, 0);
  auto bilevel = bench.bilevel(options, start, {bench.budget_of("w4a8", names)});
  for (std::int64_t step = 0; step < 3; ++step) bilevel.step(step);
  CHECK(bilevel.bank().alpha == start.alpha);
  CHECK(bilevel.bank().theta != start.theta);
  CHECK((copy(bilevel.weights().values()) != bench.weights()));
  for (const double lambda : bilevel.metrics().column("search", "lambda_cost_integral")) CHECK(lambda == 0);
  bilevel.step(3);
  CHECK(bilevel.bank().alpha != start.alpha);
}

TEST_CASE("quantizers learn on the level they are given to") {
  Bench<double> bench;
  auto options = fixed_options();
  options.weight_learning_rate = 0, options.weight_decay = 0;
  const auto start = bench.bank({"lsq+:4", "fp32"}, {"lsq+:4", "fp32"}, {}, 0);
  options.quantizer_level = "inner";
  auto bilevel = bench.bilevel(options, start);
  bilevel.step(0);
  // By the inner gradient alone: no λ_err, no clip decay, the α of after the outer step.
  auto mixing = start;
  mixing.alpha = bilevel.bank().alpha;
  quant::update_probabilities(mixing, options.temperature);
  const auto inner = bench.engine.gradient(bench.parameters, &mixing, {bench.inner, 0, options.batch}, {});
  const auto trained = quant::trained_theta(start);
  for (std::size_t i = 0; i < trained.size(); ++i) {
    if (!trained[i] || std::abs(inner.theta[i]) < 1e-6) continue;
    CHECK((bilevel.bank().theta[i] < start.theta[i]) == (inner.theta[i] > 0));
  }
}

TEST_CASE("the running maximum of uniform inputs moves once a step, by the larger of both levels") {
  Bench<double> bench;
  auto options = fixed_options();
  const auto start = bench.bank({"fp32"}, {"uniform:4", "fp32"}, {}, 0);
  auto bilevel = bench.bilevel(options, start), again = bench.bilevel(options, start);
  const auto outer = again.outer_gradient(0);
  bilevel.step(0);
  auto mixing = start;
  mixing.alpha = bilevel.bank().alpha;
  quant::update_probabilities(mixing, options.temperature);
  const auto inner = bench.engine.gradient(bench.parameters, &mixing, {bench.inner, 0, options.batch}, {});
  for (std::size_t i = 0; i < start.sites.size(); ++i) {
    const auto& site = start.sites[i];
    if (site.role == quant::Role::weight) continue;
    const double largest = std::max(outer.sums[i][0].maximum, inner.sums[i][0].maximum);
    CHECK(bilevel.bank().theta[site.range] ==
          Approx(0.99 * start.theta[site.range] + 0.01 * largest).epsilon(1e-12));
  }
}

TEST_CASE("the temperature stays until the target has reached the budget and then falls to its end") {
  Bench<float> bench(1);
  config::SearchOptions options;
  options.steps = 21, options.batch = 4, options.warmup_steps = 1, options.cost_ramp = 0.5;
  options.temperature = 2, options.final_temperature = 0.5;
  const auto budget = bench.budget_of("w4a8", names);
  auto bilevel = bench.bilevel(options, bench.bank(names, names, {}, 0), {budget});
  const double start = bilevel.expected_ratio();
  for (std::int64_t step = 0; step < options.steps; ++step) bilevel.step(step);
  const auto temperature = bilevel.metrics().column("search", "temperature"),
             target = bilevel.metrics().column("search", "target");
  for (std::size_t step = 0; step <= 11; ++step) CHECK(temperature[step] == 2);
  const double ratio = temperature[12] / temperature[11];  // geometric, until it has come to its end
  CHECK(ratio < 1);
  for (std::size_t step = 12; step < 21; ++step)
    CHECK(temperature[step] == Approx(std::max(0.5, temperature[step - 1] * ratio)));
  CHECK(temperature.back() == Approx(0.5));
  CHECK(target[0] == Approx(start));
  CHECK(target[1] == Approx(start));
  CHECK(target[6] == Approx(std::sqrt(start * budget.target)));  // geometric, half way
  for (std::size_t step = 11; step < 21; ++step) CHECK(target[step] == Approx(budget.target));
}

TEST_CASE("a search whose choices have settled can stop") {
  Bench<float> bench(1);
  config::SearchOptions options;
  options.steps = 100, options.batch = 4, options.warmup_steps = 2, options.stop_after_stable = 5;
  options.alpha_learning_rate = 1e-9;  // nothing will change
  auto bilevel = bench.bilevel(options, bench.bank(names, names, {}, 1));
  std::int64_t steps = 0;
  while (!bilevel.finished() && steps < 100) bilevel.step(steps++);
  CHECK(steps == 7);  // five after the warm-up
}

TEST_CASE("probabilities, entropies and bits are logged for every layer, as often as asked and at the end") {
  Bench<float> bench(1);
  config::SearchOptions options;
  options.steps = 6, options.batch = 4, options.warmup_steps = 0, options.log_every = 4;
  auto bilevel =
      bench.bilevel(options, bench.bank(names, names, {.per_channel = false, .tie_shared_input = true}, 0));
  for (std::int64_t step = 0; step < 6; ++step) bilevel.step(step);
  CHECK(bilevel.metrics().column("alpha_log", "step") == std::vector<double>{0, 4, 5});
  for (const auto& layer : bench.layout.linears)
    for (const std::string role : {"weight", "input"}) {
      const auto rows = bilevel.metrics().matrix("probability/" + layer.name + "/" + role);
      REQUIRE(rows.size() == 3);
      CHECK(rows[0] == std::vector<double>(4, 0.25));
      CHECK(bilevel.metrics().matrix("entropy/" + layer.name + "/" + role)[0][0] == Approx(std::log(4.0)));
      CHECK(bilevel.metrics().matrix("bits/" + layer.name + "/" + role)[0][0] ==
            Approx((4 + 8 + 3 + 32) / 4.0));
    }
  CHECK(bilevel.metrics().column("search", "step").size() == 6);
}

TEST_CASE("a loss that is not finite stops the search") {
  Bench<float> bench(1);
  auto weights = bench.weights();
  weights[bench.layout.named("model.norm.weight").begin] = INFINITY;
  config::SearchOptions options;
  options.batch = 4;
  search::Bilevel<float> bilevel(options, clip_decay, seed, bench.engine, bench.layout, weights,
                                 bench.bank(names, names, {}, 0), {{}}, {bench.outer, bench.inner});
  CHECK_THROWS_WITH(bilevel.step(0), Catch::Matchers::Contains("loss is not a finite number at step 0") &&
                                         Catch::Matchers::Contains("search"));
}
