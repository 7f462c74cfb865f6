#include "train/training_pass.hpp"

#include <cmath>

#include "train/finite.hpp"

namespace bitdarts::train {

template <class Real>
Gradient<Real> checked_gradient(Engine<Real>& engine, std::span<const Real> weights, quant::Bank* bank,
                                const Batch& batch, const Objective& objective, const std::string& level,
                                const std::string& loss_name) {
  auto gradient = engine.gradient(weights, bank, batch, objective);
  if (!std::isfinite(gradient.loss))
    require_finite(gradient.loss, loss_name, batch.step,
                   level + ", " + engine.locate_not_finite(weights, bank, batch));
  if (bank && objective.wanted != Wanted::weights)
    require_finite_gradients(*bank, {}, gradient.theta, batch.step, level);
  return gradient;
}

template <class Real>
StepResult training_step(Engine<Real>& engine, Weights<Real>& weights, quant::Bank* bank,
                         QuantizerTraining* quantizers, const Batch& batch, const StepOptions& options,
                         const std::string& stage) {
  const auto gradient = checked_gradient<Real>(engine, weights.values(), bank, batch, options.objective,
                                               stage, "the training loss");
  const double norm = weights.update(gradient.weights, batch.step, options.weights, options.clip_norm, stage);
  if (bank && quantizers) {
    quantizers->update(*bank, gradient.theta, options.quantizer_learning_rate);
    quantizers->update_maxima(*bank, maxima_of(gradient));
  }
  return {gradient.loss, gradient.error, norm};
}

template <class Real>
double mean_loss(Engine<Real>& engine, std::span<const Real> parameters, quant::Bank* bank,
                 const data::Sampler& sampler, std::int64_t batches, std::int64_t sequences) {
  double total = 0;
  for (std::int64_t b = 0; b < batches; ++b) total += engine.loss(parameters, bank, {sampler, b, sequences});
  return total / static_cast<double>(batches);
}

#define BITDARTS_INSTANTIATE(Real)                                                                          \
  template Gradient<Real> checked_gradient<Real>(Engine<Real>&, std::span<const Real>, quant::Bank*,        \
                                                 const Batch&, const Objective&, const std::string&,        \
                                                 const std::string&);                                       \
  template StepResult training_step<Real>(Engine<Real>&, Weights<Real>&, quant::Bank*, QuantizerTraining*,  \
                                          const Batch&, const StepOptions&, const std::string&);            \
  template double mean_loss<Real>(Engine<Real>&, std::span<const Real>, quant::Bank*, const data::Sampler&, \
                                  std::int64_t, std::int64_t);
BITDARTS_INSTANTIATE(float)
BITDARTS_INSTANTIATE(double)
#undef BITDARTS_INSTANTIATE

}  // namespace bitdarts::train
