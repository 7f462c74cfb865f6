#pragma once
#include <span>
#include <string>
#include <vector>

#include "model/effective_weights.hpp"
#include "model/layout.hpp"
#include "model/transformer.hpp"
#include "quant/bank.hpp"

namespace bitdarts::evaluate {

/// See model/effective_weights.hpp: [effective_size], or [layout.total] where the output head is the
/// parameter itself.
using EffectiveWeights = std::vector<float>;

/// W~ for every quantizable layer, as in training: the weight's own maxima are taken first (uniform).
EffectiveWeights fake_quantized(const model::ParameterLayout& layout, std::span<const float> parameters,
                                quant::Bank& bank);

/// A network that only predicts: fixed weights, fixed input quantizers, no gradient.
class Network {
 public:
  /// `bank` null: inputs are not quantized; else its input sites are bound now and stay as they are.
  /// `device`: "cpu" or "cuda".
  Network(const model::ModelShape& shape, const model::ParameterLayout& layout,
          const EffectiveWeights& weights, const quant::Bank* bank, const std::string& device);
  /// tokens [batch, time] int64 on the host -> logits [batch * time, vocab] on the device.
  at::Tensor logits(const at::Tensor& tokens) { return logits_of(hidden(tokens)); }
  /// The same in two steps: tokens -> what the final norm gives, [batch * time, dim] on the device, ->
  /// logits.
  at::Tensor hidden(const at::Tensor& tokens);
  at::Tensor logits_of(const at::Tensor& hidden);

 private:
  const at::Device device_;
  const model::Transformer transformer_;
  model::ParameterBuffer<float> weights_;
  std::vector<at::Tensor> parameters_;
  at::Tensor head_;
  model::InputQuantizers quantizers_;
  model::InputQuantizers* quantizers() { return quantized_ ? &quantizers_ : nullptr; }
  bool quantized_;
};

}  // namespace bitdarts::evaluate
