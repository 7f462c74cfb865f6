// The gradient of the complete outer objective L_CE + λ_cost L_cost + λ_err L_err.
#include "bench.hpp"
#include "catch.hpp"
#include "ste_network.hpp"

using namespace search_test;

namespace {

// Central differences of fourth order of the outer objective, for the given elements of alpha.
void check_against_differences(search::Bilevel<double>& bilevel, std::int64_t step, std::size_t first,
                               std::size_t count) {
  const auto gradient = bilevel.outer_gradient(step).alpha;
  for (std::size_t k = first; k < first + count; ++k) {
    const double expected =
        tiny::slope(bilevel.bank().alpha[k], 2e-3, [&] { return bilevel.outer_objective(step); });
    REQUIRE(std::abs(gradient[k] - expected) < 1e-6 * std::max(1.0, std::abs(expected)));
    REQUIRE(gradient[k] == Approx(expected).epsilon(1e-5).margin(1e-9));
  }
}

struct Case {
  bool per_channel, tied;
  std::string relaxation;
};
const std::vector<Case> cases{
    {false, false, "softmax"}, {true, true, "softmax"}, {false, true, "gumbel"}, {true, false, "gumbel"}};

}  // namespace

// A quantizer further down has steps that finite differences see and straight-through gradients do not, by
// intention. So the whole objective is differentiated where it is smooth: the weights' alphas with
// full-precision inputs, ...
TEST_CASE("the gradient of the weights' alphas is that of finite differences of the whole objective") {
  for (const auto& c : cases) {
    CAPTURE(c.per_channel, c.tied, c.relaxation);
    Bench<double> bench;
    auto options = fixed_options();
    options.relaxation = c.relaxation;
    auto bilevel = bench.bilevel(
        options, bench.bank(all_names, {"fp32"}, {.per_channel = c.per_channel, .tie_shared_input = c.tied}));
    const std::size_t weights = c.tied ? 2 * 4 * all_names.size() : 14 * all_names.size();
    check_against_differences(bilevel, 3, 0, weights);
  }
}

// ... and each input's alpha with the other inputs in full precision (exactly: their other probabilities are
// 0).
TEST_CASE("the gradient of each input's alpha is that of finite differences of the whole objective") {
  for (const auto& c : cases) {
    Bench<double> bench;
    auto options = fixed_options();
    options.relaxation = c.relaxation;
    const auto bank =
        bench.bank(all_names, all_names, {.per_channel = c.per_channel, .tie_shared_input = c.tied});
    for (const auto& mixing : bank.sites) {
      if (mixing.role == quant::Role::weight) continue;
      CAPTURE(mixing.name, c.per_channel, c.tied, c.relaxation);
      auto alone = bank;
      for (const auto& site : bank.sites)
        if (site.role == quant::Role::input && site.alpha != mixing.alpha)
          alone.alpha[site.alpha + site.candidates.size() - 1] = 1e4;  // fp32
      auto bilevel = bench.bilevel(options, alone);
      check_against_differences(bilevel, 3, mixing.alpha, mixing.candidates.size());
    }
  }
}

TEST_CASE("all gradients of the whole objective are autograd's with everything mixed at once") {
  for (const std::string measure : {"relative", "fisher"})
    for (const auto& c : cases) {
      CAPTURE(measure, c.per_channel, c.tied, c.relaxation);
      Bench<double> bench;
      auto options = fixed_options();
      options.relaxation = c.relaxation;
      options.error_measure = measure;
      constexpr std::int64_t step = 3;
      auto bilevel = bench.bilevel(
          options,
          bench.bank(all_names, all_names, {.per_channel = c.per_channel, .tie_shared_input = c.tied}));
      const auto found = bilevel.outer_gradient(step);

      std::vector<double> noise;
      if (c.relaxation == "gumbel") {  // -log(-log u), the same for every rank and every pass of this step
        KeyedRandom random(seed, Stream::gumbel, step);
        for (std::size_t k = 0; k < found.alpha.size(); ++k)
          noise.push_back(-std::log(-std::log(random.uniform())));
      }
      ste::Network network(bench.shape, bench.layout, bench.parameters, bilevel.bank(), options.temperature,
                           noise);
      at::Tensor inputs = at::empty({options.batch, bench.shape.context}, at::kLong),
                 targets = at::empty_like(inputs);
      const auto size = static_cast<std::size_t>(inputs.numel());
      bench.outer.fill(step, 0, options.batch, {inputs.data_ptr<std::int64_t>(), size},
                       {targets.data_ptr<std::int64_t>(), size});
      std::vector<at::Tensor> errors;
      if (measure == "fisher") errors = network.fisher_errors(inputs, targets, shards);
      const at::Tensor loss = network.cross_entropy(inputs, targets);
      const at::Tensor error = measure == "fisher" ? network.fisher_error(errors) : network.error();
      const at::Tensor whole = loss + options.error_weight * error + options.cost_weight * network.bops();
      whole.backward();
      CHECK(found.loss == Approx(loss.item<double>()).epsilon(1e-12));
      CHECK(bilevel.outer_objective(step) == Approx(whole.item<double>()).epsilon(1e-12));
      CHECK(bilevel.expected_ratio() == Approx(network.bops().item<double>()).epsilon(1e-12));
      const double* recorded = network.alpha.grad().data_ptr<double>();
      CHECK(tiny::relative_difference(found.alpha, {recorded, found.alpha.size()}) < 1e-9);
      const auto theta = network.theta_gradient(clip_decay);
      CHECK(tiny::relative_difference(found.theta, theta) < 1e-10);
    }
}

TEST_CASE("the gradient of the size cost is that of finite differences") {
  Bench<double> bench;
  auto options = fixed_options();
  options.cost_weight = 3;
  for (const bool per_channel : {false, true}) {
    search::Budget budget;
    budget.cost = {quant::CostKind::size, per_channel};
    auto bilevel = bench.bilevel(options,
                                 bench.bank({"lsq+:2", "pact:5", "fp32"}, {"fp32"},
                                            {.per_channel = per_channel, .tie_shared_input = true}),
                                 {budget});
    check_against_differences(bilevel, 1, 0, 2 * 4 * 3);
  }
}
