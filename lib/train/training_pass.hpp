#pragma once
#include <string>

#include "train/engine.hpp"
#include "train/quantizers.hpp"
#include "train/weights.hpp"

namespace bitdarts::train {

/// The gradient of one level of training, checked: Error that says at which step, in what and where, when the
/// loss (`loss_name`, as in "the training loss") or the gradient of θ is not a finite number. The gradient of
/// the weights is checked by Weights::update(), after it is clipped. `level`: "pretrain", "search, outer
/// level". Collective.
template <class Real>
Gradient<Real> checked_gradient(Engine<Real>& engine, std::span<const Real> weights, quant::Bank* bank,
                                const Batch& batch, const Objective& objective, const std::string& level,
                                const std::string& loss_name);

/// How weights and quantizers are trained together.
struct StepOptions {
  Objective objective{};
  AdamOptions weights{};
  double clip_norm = 0;
  double quantizer_learning_rate = 0;
};
struct StepResult {
  double loss = 0, error = 0, gradient_norm = 0;
};

/// The step of pretraining (`bank` and `quantizers` null) and of finetuning: a checked gradient, AdamW on the
/// weights, Adam on θ, the maxima. Collective.
template <class Real>
StepResult training_step(Engine<Real>& engine, Weights<Real>& weights, quant::Bank* bank,
                         QuantizerTraining* quantizers, const Batch& batch, const StepOptions& options,
                         const std::string& stage);

/// Mean loss over `batches` batches, from number 0 on [nats per token]. Collective.
template <class Real>
double mean_loss(Engine<Real>& engine, std::span<const Real> parameters, quant::Bank* bank,
                 const data::Sampler& sampler, std::int64_t batches, std::int64_t sequences);

}  // namespace bitdarts::train
