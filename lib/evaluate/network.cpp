#include "evaluate/network.hpp"

#include <algorithm>

namespace bitdarts::evaluate {

EffectiveWeights fake_quantized(const model::ParameterLayout& layout, std::span<const float> parameters,
                                quant::Bank& bank) {
  EffectiveWeights effective(model::effective_size(layout));
  model::make_effective<float>(layout, parameters, &bank, effective);
  return effective;
}

Network::Network(const model::ModelShape& shape, const model::ParameterLayout& layout,
                 const EffectiveWeights& weights, const quant::Bank* bank, const std::string& device)
    : device_(device == "cpu" ? at::kCPU : at::kCUDA),
      transformer_(shape, layout, at::TensorOptions().dtype(at::kFloat).device(device_)),
      weights_(weights.size(), device_),
      quantized_(bank != nullptr) {
  weights_.fill([&](std::span<float> values) { std::copy(weights.begin(), weights.end(), values.begin()); });
  for (const auto& p : layout.parameters) parameters_.push_back(weights_.view(p.begin, p.shape));
  if (weights.size() > layout.total) head_ = weights_.view(layout.total, {shape.vocab, shape.dim});
  if (bank) quantizers_ = model::input_quantizers(*bank);
}

at::Tensor Network::hidden(const at::Tensor& tokens) {
  const at::NoGradGuard no_grad;
  return transformer_.hidden(parameters_, tokens.to(device_), quantizers());
}

at::Tensor Network::logits_of(const at::Tensor& hidden) {
  const at::NoGradGuard no_grad;
  return transformer_.logits_of(parameters_, head_, hidden.to(device_), quantizers());
}

}  // namespace bitdarts::evaluate
