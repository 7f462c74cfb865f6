#include "search/multiplier.hpp"

#include <limits>

#include "catch.hpp"
#include "config/config.hpp"
#include "core/error.hpp"
#include "quant/bank.hpp"
#include "scratch_directory.hpp"
#include "search/statistics.hpp"
#include "train/adam.hpp"

using namespace bitdarts;
using search::Multiplier;
using search::MultiplierMode;

namespace {

// Twelve layers whose loss falls with the bits, differently fast: quantization noise c 4^-b of weights and
// inputs, p-weighted.
struct Simulation {
  quant::Bank bank;
  std::vector<double> sensitivity;
  train::Adam<double> adam;
  explicit Simulation(const std::vector<std::string>& candidates)
      : bank(make_bank(candidates)), adam(bank.alpha.size()) {
    for (std::size_t i = 0; i < bank.sites.size(); ++i)
      sensitivity.push_back(0.3 * std::pow(3.0, static_cast<double>(i % 7)));
  }
  static quant::Bank make_bank(const std::vector<std::string>& candidates) {
    std::vector<quant::LayerShape> layers;
    for (int l = 0; l < 12; ++l) layers.push_back({"layer" + std::to_string(l), 16 * (1 + l % 3), 32});
    const auto set = quant::parse_candidates(candidates);
    return quant::make_search_bank(layers, set, set, {});
  }
  // The gradient of one term by α, as the search has it: `value(site, candidate)` is the derivative by p.
  template <class Value>
  std::vector<double> gradient_of(const Value& value) const {
    std::vector<double> gradient(bank.alpha.size(), 0.0);
    for (const auto& site : bank.sites) {
      const auto p = bank.probabilities(site);
      double mean = 0;
      for (std::size_t j = 0; j < p.size(); ++j) mean += p[j] * value(site, j);
      for (std::size_t j = 0; j < p.size(); ++j) gradient[site.alpha + j] += p[j] * (value(site, j) - mean);
    }
    return gradient;
  }
  // One outer step of α on CE + λ C, and of λ. Returns the expected cost before.
  double step(Multiplier& lambda, double target) {
    quant::update_probabilities(bank, 1);
    const auto cost = search::expected_cost(bank, quant::CostKind::bops);
    auto gradient = gradient_of([&](const quant::Site& site, std::size_t j) {
      return sensitivity[static_cast<std::size_t>(&site - bank.sites.data())] *
             std::pow(4.0, -site.candidates[j].bits);
    });
    const auto of_cost = gradient_of([&](const quant::Site& site, std::size_t j) {
      const auto& by_bits = site.role == quant::Role::weight ? cost.by_weight : cost.by_input;
      return by_bits[site.layers[0]] * site.candidates[j].bits;
    });
    lambda.observe(train::norm<double>(gradient), train::norm<double>(of_cost));
    const double effective = lambda.effective(cost.ratio, target);
    REQUIRE(effective >= 0);
    for (std::size_t k = 0; k < gradient.size(); ++k) gradient[k] += effective * of_cost[k];
    adam.step(bank.alpha, gradient, {.learning_rate = 0.02, .beta1 = 0.5, .beta2 = 0.999});
    lambda.update(cost.ratio, target);
    REQUIRE(lambda.value() >= 0);
    return cost.ratio;
  }
};

}  // namespace

TEST_CASE(
    "the dual coefficient brings a simulated search to its budget, whatever the budget and the size of the "
    "loss") {
  const config::SearchOptions defaults;
  constexpr int steps = 500;
  for (const double bits : {4.5, 6.0, 9.0, 14.0}) {
    for (const double scale : {0.01, 1.0, 100.0}) {  // of the loss against the cost
      CAPTURE(bits, scale);
      Simulation simulation({"lsq+:2", "lsq+:4", "lsq+:8", "lsq+:16", "fp32"});
      for (auto& s : simulation.sensitivity) s *= scale;
      const double start = search::expected_cost(simulation.bank, quant::CostKind::bops).ratio,
                   budget = bits * bits / 1024;
      Multiplier lambda({.mode = MultiplierMode::dual,
                         .start = 0,
                         .rate = defaults.cost_rate,
                         .damping = defaults.cost_damping});
      double worst = 0;
      for (int step = 0; step < steps; ++step) {
        // The target comes down over the first half of the search, as the search brings it down.
        const double target = start * std::pow(budget / start, std::min(1.0, step / (0.5 * steps)));
        const double cost = simulation.step(lambda, target);
        if (step >= steps - 60) worst = std::max(worst, std::abs(cost / budget - 1));
      }
      CHECK(worst < 0.02);  // and stays there, from either side
    }
  }
}

TEST_CASE("the dual coefficient follows its formula and does not go below zero") {
  Multiplier lambda({.mode = MultiplierMode::dual, .start = 1, .rate = 0.1, .damping = 3});
  constexpr double target = 0.2, unit = 5;
  lambda.observe(2 * unit, 2);
  CHECK(lambda.value() == 1);
  CHECK(lambda.effective(0.3, target) == Approx(1 + 3 * unit * 0.5));
  CHECK(lambda.effective(0.2, target) == Approx(1));
  CHECK(lambda.effective(0.1, target) == 0);  // 1 - 7.5
  lambda.update(0.3, target);
  CHECK(lambda.value() == Approx(1 + 0.1 * unit * 0.5));
  for (int i = 0; i < 100; ++i) lambda.update(0.01, target);
  CHECK(lambda.value() == 0);
  lambda.update(0.2, target);
  CHECK(lambda.value() == 0);
  lambda.update(0.21, target);
  CHECK(lambda.value() > 0);
}

TEST_CASE(
    "what the dual coefficient does to the gradient depends neither on the unit of the cost nor on that of "
    "the loss") {
  const search::MultiplierOptions options{
      .mode = MultiplierMode::dual, .start = 0, .rate = 0.1, .damping = 3};
  Multiplier ratio(options), percent(options), louder(options);
  double pull = 1;
  for (const double cost : {0.5, 0.4, 0.3, 0.1, 0.25}) {
    ratio.observe(pull, 0.2), percent.observe(pull, 20), louder.observe(7 * pull, 0.2);
    const double expected = ratio.effective(cost, 0.2);
    CHECK(percent.effective(100 * cost, 20) * 100 == Approx(expected).margin(1e-12));
    CHECK(louder.effective(cost, 0.2) / 7 == Approx(expected).margin(1e-12));
    ratio.update(cost, 0.2), percent.update(100 * cost, 20), louder.update(cost, 0.2);
    pull *= 0.8;
  }
}

TEST_CASE("norms that say nothing leave the balance as it was") {
  Multiplier lambda({.mode = MultiplierMode::dual, .start = 0, .rate = 0.1, .damping = 1});
  lambda.observe(3, 1);
  const double before = lambda.effective(0.4, 0.2);
  CHECK(before == Approx(3));
  lambda.observe(3, 0);  // a saturated α: no pull of the cost
  lambda.observe(std::numeric_limits<double>::quiet_NaN(), 1);
  CHECK(lambda.effective(0.4, 0.2) == before);
  lambda.observe(3, 1);
  CHECK(lambda.effective(0.4, 0.2) == Approx(3));
}

TEST_CASE("a fixed coefficient stays") {
  Multiplier lambda({.mode = MultiplierMode::fixed, .start = 0.7, .rate = 0.1, .damping = 3});
  lambda.update(5, 1);
  CHECK(lambda.value() == 0.7);
  CHECK(lambda.effective(5, 1) == 0.7);
}

TEST_CASE("uncertainty weighting settles at one over the loss, within its clamps") {
  // d/ds (e^-s L + s) = 0 at e^-s = 1/L.
  for (const double loss : {0.2, 1.0, 5.0, 100.0}) {
    for (const double start : {0.01, 1.0, 7.0}) {
      Multiplier lambda({.mode = MultiplierMode::uncertainty, .start = start, .rate = 0.02});
      CHECK(lambda.value() == Approx(start));
      for (int i = 0; i < 20000; ++i) lambda.update(loss, 0);
      CAPTURE(loss, start);
      CHECK(lambda.value() == Approx(1 / loss).epsilon(0.03));
    }
  }
  Multiplier small({.mode = MultiplierMode::uncertainty, .start = 1, .rate = 0.1}), large = small;
  for (int i = 0; i < 20000; ++i) small.update(1e-9, 0), large.update(1e9, 0);
  CHECK(small.value() == Approx(std::exp(6.0)));  // not a thousand million
  CHECK(large.value() == Approx(std::exp(-6.0)));
}

TEST_CASE("a coefficient that was saved and loaded goes on to the last bit") {
  const ScratchDirectory scratch;
  const auto path = scratch / "state.h5";
  for (const auto mode : {MultiplierMode::fixed, MultiplierMode::dual, MultiplierMode::uncertainty}) {
    const search::MultiplierOptions options{.mode = mode, .start = 0.5, .rate = 0.1, .damping = 1};
    Multiplier whole(options), loaded(options);
    for (int i = 0; i < 5; ++i) whole.observe(1 + i, 2), whole.update(0.3 + 0.1 * i, 0.4);
    auto file = store::File::create(path);
    whole.save(file, "cost");
    file.close();
    loaded.load(store::File::open(path), "cost");
    for (int i = 0; i < 5; ++i) {
      whole.observe(2, 1), loaded.observe(2, 1);
      whole.update(0.7, 0.4), loaded.update(0.7, 0.4);
      CHECK(loaded.value() == whole.value());
      CHECK(loaded.effective(0.5, 0.4) == whole.effective(0.5, 0.4));
    }
  }
}

TEST_CASE("modes are read by name") {
  CHECK(search::parse_mode("dual") == MultiplierMode::dual);
  CHECK(search::parse_mode("uncertainty") == MultiplierMode::uncertainty);
  CHECK(search::parse_mode("fixed") == MultiplierMode::fixed);
  CHECK_THROWS_AS(search::parse_mode("duel"), ConfigError);
}
