#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "quant/bank.hpp"
#include "quant/cost.hpp"
#include "search/assign.hpp"
#include "search/multiplier.hpp"
#include "search/problem.hpp"
#include "search/schedule.hpp"
#include "search/statistics.hpp"
#include "store/metrics.hpp"
#include "train/loop.hpp"
#include "train/training_pass.hpp"

namespace bitdarts::search {

/// What the two levels learn from.
struct Levels {
  const data::Sampler& outer;  ///< the search part: α, quantizers, λ
  const data::Sampler& inner;  ///< the train part: weights
};

/// METHOD sections 4 and 5: one step is an outer update (α, quantizers' own parameters, λ) and an inner
/// update (weights by AdamW on L_CE). First order: the inner update sees the α that the outer one made.
/// Second order: it is the update that the outer gradient was taken through, so the weights that α was judged
/// by are those that the search goes on with, and one pass of five is saved. With search.weights = frozen
/// there is no inner update (nor, then, a second order), and no optimiser state of the weights.
template <class Real>  // float; double in tests
class Bilevel : public train::Trainee {
 public:
  /// `clip_decay`: PACT's λ_a.
  Bilevel(const config::SearchOptions& options, double clip_decay, std::uint64_t seed,
          train::Engine<Real>& engine, const model::ParameterLayout& layout, std::vector<Real> weights,
          quant::Bank bank, std::vector<Budget> budgets, Levels levels);

  std::vector<Progress::Value> step(std::int64_t step) override;
  void save(store::File& file) const override;
  void load(const store::File& file) override;
  void check(std::int64_t done) const override;
  bool finished() const override;
  bool between_steps() const override { return !changing_; }

  /// dL/dα and dL/dθ of the outer level at this step, as step() uses them (λ of now, first or second order).
  /// For tests.
  train::Gradient<Real> outer_gradient(std::int64_t step);
  /// L of METHOD section 4 on the outer batch of `step` at the current α, θ and λ. For tests.
  double outer_objective(std::int64_t step);

  quant::Bank& bank() { return bank_; }
  const train::Weights<Real>& weights() const { return weights_; }
  const store::Metrics& metrics() const { return metrics_; }
  double expected_ratio() const { return expected_cost(bank_, cost()).ratio; }  ///< at p without noise
  std::int64_t steps() const { return schedule_.steps(); }
  /// After the last of `steps`: p at the temperature reached, without noise; budgets whose time the search
  /// did not see the end of get the values of now.
  void settle(std::int64_t steps);
  /// By budget: what the candidates were worth where the search stood when the budget's time ended. The
  /// error of each candidate (the summand of L_err), a running mean over the last steps. With a relative
  /// error, which knows nothing of layers, -log of the probability of a width, all methods together, with the
  /// methods of a width in the order of their own.
  const std::vector<SiteValues>& values() const { return values_; }
  /// Without a budget: what the cost ratio counts as in the loss, λ_cost. Not beside the values of a relative
  /// error, for p holds it already.
  double cost_price() const {
    return measure() == quant::ErrorMeasure::fisher ? cost_multiplier_.value() : 0.0;
  }
  /// The expected cost when a budget's time ended, as a ratio.
  const std::vector<double>& reached() const { return reached_; }
  void save_optimisers(store::File& file) const;

 private:
  /// What one step needs of both levels.
  struct LevelGradients {
    train::Gradient<Real> outer;
    std::optional<train::Gradient<Real>> inner;  ///< where the unrolled update has taken it already
    std::vector<Real> inner_weights;             ///< what inner->weights looks at
  };
  LevelGradients level_gradients(std::int64_t step);
  train::Gradient<Real> inner_gradient(std::int64_t step);  ///< at the weights and α of now
  train::AdamOptions inner_options() const {
    return {.learning_rate = options_.weight_learning_rate, .weight_decay = options_.weight_decay};
  }
  quant::ErrorMeasure measure() const {
    return options_.error_measure == "fisher" ? quant::ErrorMeasure::fisher : quant::ErrorMeasure::relative;
  }
  bool trains_weights() const { return options_.weights == "trained"; }
  bool second_order() const { return options_.order == "second" && trains_weights(); }
  double temperature(std::int64_t step) const { return schedule_.temperature(step); }
  double target(std::int64_t step) const { return schedule_.target(step); }
  const quant::Cost& cost() const { return budgets_.front().cost; }
  double error_multiplier() const;  ///< λ_err as the loss of the next step sees it
  void relax(std::int64_t step);
  void add_unrolled_term(std::int64_t step, std::span<const Real> direction, train::Gradient<Real>& outer);
  void update_inner_level(std::int64_t step, LevelGradients& found);
  void observe_errors(const train::Gradient<Real>& outer);
  SiteValues values_of_now() const;
  void keep_values(std::size_t budget);
  void log(std::int64_t step, const train::Gradient<Real>& outer, double lambda, double ratio);

  config::SearchOptions options_;
  double clip_decay_;
  std::uint64_t seed_;
  train::Engine<Real>& engine_;
  train::Weights<Real> weights_;
  quant::Bank bank_;
  std::vector<Budget> budgets_;
  Schedule schedule_;
  Levels levels_;
  Multiplier cost_multiplier_, error_multiplier_;
  train::Adam<double> alpha_adam_;
  train::QuantizerTraining quantizers_;
  SiteValues errors_;         // running mean of the candidates' errors
  double errors_weight_ = 0;  // of what has been observed; tends to 1
  std::vector<SiteValues> values_;
  std::vector<double> reached_;
  std::vector<std::size_t> argmax_;
  std::int64_t stable_steps_ = 0;
  std::optional<double> last_error_;  ///< L_err of the step before
  bool changing_ = false;             ///< within a step that has begun to change the state
  store::Metrics metrics_;
};

}  // namespace bitdarts::search
