#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "quant/bank.hpp"
#include "quant/cost.hpp"
#include "search/multiplier.hpp"
#include "store/metrics.hpp"
#include "train/loop.hpp"
#include "train/weights.hpp"

namespace bitdarts::search {

/// The budget in the units of the cost, and as a ratio.
struct Budget {
  quant::CostKind kind = quant::CostKind::bops;
  std::optional<std::int64_t> capacity;  ///< integer cost, none: no budget
  double target = 0;                     ///< capacity / cost of 32 bits everywhere
};

/// What the two levels learn from.
struct Levels {
  const data::Sampler& outer;  ///< the search part: α, quantizers, λ
  const data::Sampler& inner;  ///< the train part: weights
};

/// METHOD sections 4 and 5: one step is an outer update (α, quantizers' own parameters, λ) and an inner
/// update (weights by AdamW on L_CE). First order: the inner update sees the α that the outer one made.
/// Second order: it is the update that the outer gradient was taken through, so the weights that α was judged
/// by are those that the search goes on with, and one pass of five is saved.
template <class Real>  // float; double in tests
class Bilevel : public train::Trainee {
 public:
  Bilevel(const config::SearchOptions& options, std::uint64_t seed, train::Engine<Real>& engine,
          const model::ParameterLayout& layout, std::vector<Real> weights, quant::Bank bank,
          const Budget& budget, Levels levels);

  std::vector<Progress::Value> step(std::int64_t step) override;
  void save(store::File& file) const override;
  void load(const store::File& file) override;
  void check(std::int64_t done) const override;
  bool finished() const override;

  /// dL/dα and dL/dθ of the outer level at this step, as step() uses them (λ of now, first or second order).
  /// For tests.
  train::Gradient<Real> outer_gradient(std::int64_t step);
  /// L of METHOD section 4 on the outer batch of `step` at the current α, θ and λ. For tests.
  double outer_objective(std::int64_t step);

  quant::Bank& bank() { return bank_; }
  const train::Weights<Real>& weights() const { return weights_; }
  const store::Metrics& metrics() const { return metrics_; }
  double expected_ratio() const { return expected_cost().ratio; }
  /// After the last of `steps`: p at the temperature reached, without noise.
  void settle(std::int64_t steps);
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
  double temperature(std::int64_t step) const;
  double alpha_learning_rate(std::int64_t step) const;
  double target(std::int64_t step) const;
  double error_weight() const;  ///< λ_err as the loss of the next step sees it
  void relax(std::int64_t step);
  quant::Bank noise_free() const;  ///< the bank with p = softmax(α/τ): what costs and records are about
  quant::ExpectedCost expected_cost() const;
  std::vector<double> cost_gradient(double temperature) const;  ///< dL_cost/dα
  void add_unrolled_term(std::int64_t step, std::span<const Real> direction, train::Gradient<Real>& outer);
  void require_finite_loss(double loss, const std::string& what, std::int64_t step,
                           const data::Sampler& sampler);
  void update_quantizers(std::span<const double> gradient);
  void log(std::int64_t step, const train::Gradient<Real>& outer, double lambda, double ratio);

  config::SearchOptions options_;
  std::uint64_t seed_;
  train::Engine<Real>& engine_;
  train::Weights<Real> weights_;
  quant::Bank bank_;
  std::vector<double> noise_free_probability_;
  Budget budget_;
  Levels levels_;
  Multiplier cost_multiplier_, error_multiplier_;
  train::Adam<double> alpha_adam_, theta_adam_;
  std::vector<std::uint8_t> trained_theta_;
  double start_ratio_ = 0;
  std::vector<std::size_t> argmax_;
  std::int64_t stable_steps_ = 0;
  store::Metrics metrics_;
};

}  // namespace bitdarts::search
