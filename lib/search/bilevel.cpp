#include "search/bilevel.hpp"

#include <algorithm>
#include <cmath>

#include "core/random.hpp"
#include "search/statistics.hpp"
#include "search/unrolled.hpp"
#include "train/finite.hpp"

namespace bitdarts::search {
namespace {

constexpr double alpha_beta1 = 0.5, alpha_beta2 = 0.999;  // as DARTS trains its architecture

MultiplierOptions cost_multiplier_options(const config::SearchOptions& o,
                                          const std::vector<Budget>& budgets) {
  const auto mode = parse_mode(o.cost_mode);
  // Without a budget there is nothing to be dual to: the multiplier stays at its start.
  if (mode == MultiplierMode::dual && !budgets.front().capacity)
    return {.mode = MultiplierMode::fixed, .start = o.cost_weight};
  return {.mode = mode, .start = o.cost_weight, .rate = o.cost_rate, .damping = o.cost_damping};
}

MultiplierOptions error_multiplier_options(const config::SearchOptions& o) {
  const auto mode = parse_mode(o.error_mode);
  const bool dual =
      mode == MultiplierMode::dual;  // gains in units of 1/T: the λ of a relative error is of that size
  return {.mode = mode, .start = o.error_weight, .rate = dual ? 0.05 : 0.01, .damping = dual ? 1.0 : 0.0};
}

// The bank as it begins: p uniform at the first temperature.
quant::Bank relaxed(quant::Bank bank, double temperature) {
  quant::update_probabilities(bank, temperature);
  return bank;
}

std::vector<double> targets_of(const std::vector<Budget>& budgets) {
  std::vector<double> targets;
  for (const Budget& budget : budgets) targets.push_back(budget.target);
  return targets;
}

}  // namespace

template <class Real>
Bilevel<Real>::Bilevel(const config::SearchOptions& options, double clip_decay, std::uint64_t seed,
                       train::Engine<Real>& engine, const model::ParameterLayout& layout,
                       std::vector<Real> weights, quant::Bank bank, std::vector<Budget> budgets,
                       Levels levels)
    : options_(options),
      clip_decay_(clip_decay),
      seed_(seed),
      engine_(engine),
      weights_(layout, std::move(weights), options.weights == "trained"),
      bank_(relaxed(std::move(bank), options.temperature)),
      budgets_(std::move(budgets)),
      schedule_(options, search::expected_cost(bank_, cost()).ratio, targets_of(budgets_)),
      levels_(levels),
      cost_multiplier_(cost_multiplier_options(options, budgets_)),
      error_multiplier_(error_multiplier_options(options)),
      alpha_adam_(bank_.alpha.size()),
      quantizers_(bank_),
      values_(budgets_.size()),
      reached_(budgets_.size(), 0.0),
      argmax_(argmax_by_site(bank_)) {
  for (const auto& site : bank_.sites) errors_.emplace_back(site.candidates.size(), 0.0);
}

template <class Real>
void Bilevel<Real>::relax(std::int64_t step) {
  std::vector<double> noise;
  if (options_.relaxation == "gumbel") {
    KeyedRandom random(seed_, Stream::gumbel, static_cast<std::uint64_t>(step));
    noise.resize(bank_.alpha.size());
    for (auto& n : noise) n = -std::log(-std::log(random.uniform()));
  }
  quant::update_probabilities(bank_, temperature(step), noise);
}

template <class Real>
void Bilevel<Real>::settle(std::int64_t steps) {
  quant::update_probabilities(bank_, temperature(std::max<std::int64_t>(0, steps - 1)));
  for (std::size_t b = 0; b < budgets_.size(); ++b)
    if (values_[b].empty()) keep_values(b);
}

template <class Real>
double Bilevel<Real>::error_multiplier() const {
  // L_err of this step is known only after its backward pass, which needs λ_err: the error of the step before
  // stands for it.
  if (options_.error_budget <= 0 || !last_error_) return error_multiplier_.value();
  return error_multiplier_.effective(*last_error_, options_.error_budget);
}

template <class Real>
void Bilevel<Real>::add_unrolled_term(std::int64_t step, std::span<const Real> direction,
                                      train::Gradient<Real>& outer) {
  const std::size_t alphas = bank_.alpha.size();
  const auto inner_architecture_gradient = [&](std::span<const Real> weights) {
    auto g = engine_.gradient(weights, &bank_, {levels_.inner, step, options_.batch},
                              {.temperature = temperature(step), .wanted = train::Wanted::architecture});
    g.alpha.insert(g.alpha.end(), g.theta.begin(), g.theta.end());
    return g.alpha;
  };
  const auto product =
      hessian_vector_product<Real>(weights_.values(), direction, inner_architecture_gradient);
  for (std::size_t k = 0; k < alphas; ++k) outer.alpha[k] -= product[k];
  for (std::size_t k = 0; k < bank_.theta.size(); ++k) outer.theta[k] -= product[alphas + k];
}

template <class Real>
train::Gradient<Real> Bilevel<Real>::inner_gradient(std::int64_t step) {
  const bool outer_quantizers = options_.quantizer_level == "outer";
  auto inner =
      train::checked_gradient<Real>(engine_, weights_.values(), &bank_, {levels_.inner, step, options_.batch},
                                    {.clip_decay = clip_decay_,
                                     .temperature = temperature(step),
                                     .wanted = outer_quantizers   ? train::Wanted::weights
                                               : trains_weights() ? train::Wanted::all
                                                                  : train::Wanted::architecture},
                                    "search, inner level", "the inner loss");
  weights_.require_finite_gradient(inner.weights, step, "search, inner level");
  return inner;
}

template <class Real>
auto Bilevel<Real>::level_gradients(std::int64_t step) -> LevelGradients {
  relax(step);
  LevelGradients found;
  const double tau = temperature(step);
  // The first order needs no gradient of the weights here, the second takes one for the direction of its
  // product.
  const train::Objective objective{
      .error_multiplier = error_multiplier(),
      .clip_decay = clip_decay_,
      .temperature = tau,
      .wanted = second_order() ? train::Wanted::all : train::Wanted::architecture,
      .error_measure = measure()};
  const train::Batch outer_batch{levels_.outer, step, options_.batch};
  const auto outer_pass = [&](std::span<const Real> weights) {
    return train::checked_gradient<Real>(engine_, weights, &bank_, outer_batch, objective,
                                         "search, outer level", "the outer loss");
  };
  train::Gradient<Real>& outer = found.outer;
  if (second_order()) {
    const auto inner = found.inner.emplace(inner_gradient(step));
    found.inner_weights.assign(inner.weights.begin(), inner.weights.end());
    found.inner->weights = found.inner_weights;
    std::vector<Real> moved(weights_.values().size()), jacobian(moved.size());
    weights_.virtual_update(inner.weights, inner_options(), options_.clip_norm, moved, jacobian);
    if (const std::size_t bad = train::first_not_finite<Real>(moved); bad < moved.size())
      train::require_finite(NAN, "a weight after the unrolled update", step,
                            "search, " + weights_.name_of(bad));
    outer = outer_pass(moved);
    for (std::size_t i = 0; i < jacobian.size(); ++i) jacobian[i] *= outer.weights[i];
    add_unrolled_term(step, jacobian, outer);
  } else {
    outer = outer_pass(weights_.values());
  }
  const auto of_cost = cost_gradient(bank_, cost(), tau);
  cost_multiplier_.observe(train::norm<double>(outer.alpha), train::norm<double>(of_cost));
  const double lambda = cost_multiplier_.effective(expected_ratio(), target(step));
  for (std::size_t k = 0; k < of_cost.size(); ++k) outer.alpha[k] += lambda * of_cost[k];
  return found;
}

template <class Real>
train::Gradient<Real> Bilevel<Real>::outer_gradient(std::int64_t step) {
  return level_gradients(step).outer;
}

template <class Real>
double Bilevel<Real>::outer_objective(std::int64_t step) {
  relax(step);
  const auto outer = engine_.gradient(weights_.values(), &bank_, {levels_.outer, step, options_.batch},
                                      {.error_measure = measure()});
  const double ratio = expected_ratio();
  return outer.loss + error_multiplier() * outer.error +
         cost_multiplier_.effective(ratio, target(step)) * ratio;
}

template <class Real>
std::vector<Progress::Value> Bilevel<Real>::step(std::int64_t step) {
  const bool learns_alpha = step >= options_.warmup_steps;
  const bool outer_quantizers = options_.quantizer_level == "outer";
  changing_ = false;
  auto found = level_gradients(step);
  changing_ = true;
  const auto& outer = found.outer;
  train::require_finite_gradients(bank_, outer.alpha, outer.theta, step, "search, outer level");
  const double ratio = expected_ratio(), error = outer.error;
  const double lambda = cost_multiplier_.effective(ratio, target(step));
  if (learns_alpha) {
    // Decay pulls every logit back by a share of itself: no α runs away while λ is high, none has to be
    // fetched back.
    const std::vector<std::uint8_t> decays(bank_.alpha.size(), 1);
    alpha_adam_.step(bank_.alpha, outer.alpha,
                     {.learning_rate = schedule_.alpha_learning_rate(step),
                      .beta1 = alpha_beta1,
                      .beta2 = alpha_beta2,
                      .weight_decay = options_.alpha_decay},
                     decays);
    cost_multiplier_.update(ratio, target(step));
    error_multiplier_.update(error, options_.error_budget);
  }
  if (outer_quantizers) quantizers_.update(bank_, outer.theta, options_.quantizer_learning_rate);
  observe_errors(outer);
  last_error_ = error;
  log(step, outer, lambda, ratio);
  std::vector<Progress::Value> shown{{"outer", outer.loss}};
  std::vector<double> maxima = train::maxima_of(outer);
  if (trains_weights() || !outer_quantizers) {
    update_inner_level(step, found);
    const auto inner_maxima = train::maxima_of(*found.inner);
    for (std::size_t i = 0; i < maxima.size(); ++i) maxima[i] = std::max(maxima[i], inner_maxima[i]);
    metrics_.record("inner", {{"step", static_cast<double>(step)}, {"loss", found.inner->loss}});
    shown.push_back({"inner", found.inner->loss});
  }
  quantizers_.update_maxima(bank_, maxima);
  for (const std::size_t budget : schedule_.ending(step)) keep_values(budget);
  changing_ = false;
  shown.insert(shown.end(), {{"cost", 100 * ratio}, {"lambda", lambda}});
  return shown;
}

// The second order has differentiated at the weights of one inner step, and that step is now taken. The first
// order looks at the new α first.
template <class Real>
void Bilevel<Real>::update_inner_level(std::int64_t step, LevelGradients& found) {
  if (!found.inner) {
    relax(step);
    found.inner = inner_gradient(step);
  }
  if (trains_weights())
    weights_.update(found.inner->weights, step, inner_options(), options_.clip_norm, "search, inner level");
  if (options_.quantizer_level == "inner")
    quantizers_.update(bank_, found.inner->theta, options_.quantizer_learning_rate);
}

template <class Real>
void Bilevel<Real>::check(std::int64_t done) const {
  weights_.require_finite_values(done, "search");
  train::require_finite_bank(bank_, done, "search");
}

template <class Real>
bool Bilevel<Real>::finished() const {
  return options_.stop_after_stable > 0 && stable_steps_ >= options_.stop_after_stable;
}

template class Bilevel<float>;
template class Bilevel<double>;

}  // namespace bitdarts::search
