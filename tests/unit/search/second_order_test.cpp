// The unrolled gradient of the whole search against differences through the optimiser's own step.
#include <unistd.h>

#include <filesystem>

#include "bench.hpp"
#include "catch.hpp"

using namespace search_test;
namespace fs = std::filesystem;

namespace {

constexpr double clip = 0.1, gap = 0.08;

// Weights mixed of themselves and of themselves clipped, and none near the clip; at 16 bits the steps are too
// fine to matter. So the true derivative exists, and it is the straight-through one.
struct SecondOrder {
  Bench<double> bench;
  train::Engine<double> engine;
  config::SearchOptions options = fixed_options();
  std::vector<double> weights;
  quant::Bank bank;

  explicit SecondOrder(bool tied) : bench(1, tied), engine(bench.self, 2, bench.shape, bench.layout, "cpu") {
    options.order = "second";
    options.cost_weight = 0, options.error_weight = 0;
    options.weight_learning_rate = 0.05;
    options.clip_norm = 0;
    weights = bench.parameters;
    for (auto& w : weights) w += std::copysign(std::abs(w) < clip ? -std::min(gap, std::abs(w)) : gap, w);
    bank =
        quant::make_search_bank(bench.layout.linears, quant::parse_candidates({"fp32", "pact:16"}), {{}}, {});
    KeyedRandom random(8, Stream::initialisation);
    for (auto& alpha : bank.alpha) alpha = 0.5 * random.normal();
    for (const auto& site : bank.sites)
      bank.theta[site.range + 1] = site.role == quant::Role::weight ? clip : 1.0;
  }

  search::Bilevel<double> fresh(const config::SearchOptions& with) {
    return {with, 0.0, seed, engine, bench.layout, weights, bank, {{}}, {bench.outer, bench.inner}};
  }
  // A few steps that hardly move the weights fill Adam's moments (its very first step is a sign, and has no
  // slope).
  search::Bilevel<double> with_moments(std::int64_t steps) {
    auto slow = options;
    slow.weight_learning_rate = slow.alpha_learning_rate = slow.quantizer_learning_rate = 1e-5;
    auto filling = fresh(slow);
    for (std::int64_t step = 0; step < steps; ++step) filling.step(step);
    const fs::path path =
        fs::temp_directory_path() / ("bitdarts-second-order-test-" + std::to_string(getpid()) + ".h5");
    auto file = store::File::create(path);
    filling.save(file);
    file.close();
    auto bilevel = fresh(options);
    bilevel.load(store::File::open(path));
    fs::remove(path);
    return bilevel;
  }
  std::vector<double> moved(search::Bilevel<double>& bilevel, quant::Bank& relaxed, std::int64_t step) {
    quant::update_probabilities(relaxed, options.temperature);
    const auto& now = bilevel.weights();
    auto inner = engine.gradient(now.values(), &relaxed, {bench.inner, step, options.batch}, {});
    std::vector<double> there(now.values().size()), unused(there.size());
    now.virtual_update(inner.weights,
                       {.learning_rate = options.weight_learning_rate, .weight_decay = options.weight_decay},
                       options.clip_norm, there, unused);
    return there;
  }
  // L_outer(w'(α), α): AdamW's step from here on the inner loss, and the outer loss there.
  double unrolled_loss(search::Bilevel<double>& bilevel, std::int64_t step) {
    auto relaxed = bilevel.bank();
    const auto there = moved(bilevel, relaxed, step);
    return engine.loss(there, &relaxed, {bench.outer, step, options.batch});
  }
  // The gradient at the moved weights alone, without the term through w'.
  std::vector<double> direct(search::Bilevel<double>& bilevel, std::int64_t step) {
    auto relaxed = bilevel.bank();
    const auto there = moved(bilevel, relaxed, step);
    return engine
        .gradient(there, &relaxed, {bench.outer, step, options.batch}, {.temperature = options.temperature})
        .alpha;
  }
};

double size(const std::vector<double>& values) { return train::norm<double>(values); }

}  // namespace

TEST_CASE("the second-order gradient is the derivative through the step that the optimiser really takes") {
  for (const bool tied : {true, false}) {
    SecondOrder search(tied);
    // An untied embedding has rows for tokens that the inner batches never show and the outer ones do.
    if (!tied)
      for (auto& id : search.bench.inner_part.ids) id %= 6;
    for (const std::int64_t step : {5, 6}) {
      auto bilevel = search.with_moments(step);
      const auto found = bilevel.outer_gradient(step).alpha;
      auto direct = search.direct(bilevel, step);
      direct.resize(7 * 2);  // the weights' alphas: the inputs have nothing to choose
      std::vector<double> through, expected;
      for (std::size_t k = 0; k < direct.size(); ++k) {
        expected.push_back(
            tiny::slope(bilevel.bank().alpha[k], 1e-2, [&] { return search.unrolled_loss(bilevel, step); }) -
            direct[k]);
        through.push_back(found[k] - direct[k]);
      }
      CAPTURE(tied, step, size(expected), size(direct), tiny::relative_difference(through, expected));
      CHECK(size(expected) > 0.02 * size(direct));  // the term is there to be seen
      // Third derivatives over the product's perturbation of 0.01, and the steps of 16 bits over h: parts in
      // a thousand.
      CHECK(tiny::relative_difference(through, expected) < 0.01);
    }
  }
}

TEST_CASE("first order is the gradient at the weights of now") {
  SecondOrder search(true);
  auto first_options = search.options;
  first_options.order = "first";
  auto first = search.fresh(first_options);
  const auto found = first.outer_gradient(0).alpha;
  auto relaxed = search.bank;
  quant::update_probabilities(relaxed, search.options.temperature);
  const auto expected = search.engine.gradient(search.weights, &relaxed, {search.bench.outer, 0, 4},
                                               {.temperature = search.options.temperature});
  CHECK(tiny::relative_difference(found, expected.alpha) < 1e-14);
  CHECK(tiny::relative_difference(search.fresh(search.options).outer_gradient(0).alpha, found) > 1e-3);
}

TEST_CASE("second order goes on with the weights that its gradient was taken at") {
  SecondOrder search(true);
  for (const std::string level : {"outer", "inner"}) {
    search.options.quantizer_level = level;
    auto bilevel = search.fresh(search.options);
    for (std::int64_t step = 0; step < 3; ++step) {
      auto relaxed = bilevel.bank();
      const auto expected = search.moved(bilevel, relaxed, step);
      bilevel.step(step);
      CHECK(std::vector<double>(bilevel.weights().values().begin(), bilevel.weights().values().end()) ==
            expected);
    }
  }
}
