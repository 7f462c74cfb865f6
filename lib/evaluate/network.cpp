#include "evaluate/network.hpp"

namespace bitdarts::evaluate {

bool has_quantized_head(const model::ParameterLayout& layout) {
  return !layout.linears.empty() && layout.linears.back().name == "lm_head";
}

std::span<float> place_of(EffectiveWeights& weights, const model::ParameterLayout& layout,
                          std::size_t linear) {
  if (has_quantized_head(layout) && linear + 1 == layout.linears.size()) {
    weights.head.resize(static_cast<std::size_t>(layout.linears[linear].parameters()));
    return weights.head;
  }
  const auto& p = layout.parameters[layout.linear_parameter[linear]];
  return std::span(weights.parameters).subspan(p.begin, p.size);
}

std::span<const float> weight_of(std::span<const float> parameters, const model::ParameterLayout& layout,
                                 std::size_t linear) {
  const auto& p = layout.parameters[layout.linear_parameter[linear]];
  return parameters.subspan(p.begin, p.size);
}

EffectiveWeights fake_quantized(const model::ParameterLayout& layout, std::span<const float> parameters,
                                quant::Bank& bank) {
  EffectiveWeights effective{.parameters = {parameters.begin(), parameters.end()}, .head = {}};
  for (std::size_t l = 0; l < layout.linears.size(); ++l) {
    const auto& site = bank.sites[bank.weight_site[l]];
    const auto weight = weight_of(parameters, layout, l);
    quant::refresh_weight_maxima<float>(bank, site, weight);
    quant::mix_weights<float>(bank, site, weight, place_of(effective, layout, l));
  }
  return effective;
}

Network::Network(const model::ModelShape& shape, const model::ParameterLayout& layout,
                 const EffectiveWeights& weights, const quant::Bank* bank, const std::string& device)
    : options_(at::TensorOptions().dtype(at::kFloat).device(device == "cpu" ? at::kCPU : at::kCUDA)),
      transformer_(shape, layout, options_),
      quantized_(bank != nullptr) {
  const auto tensor = [&](std::span<const float> values, const std::vector<std::int64_t>& sizes) {
    at::Tensor host = at::empty(sizes, at::kFloat);
    std::copy(values.begin(), values.end(), host.data_ptr<float>());
    return host.to(options_.device());
  };
  const std::span<const float> all(weights.parameters);
  for (const auto& p : layout.parameters)
    parameters_.push_back(tensor(all.subspan(p.begin, p.size), p.shape));
  if (!weights.head.empty()) head_ = tensor(weights.head, {shape.vocab, shape.dim});
  if (!bank) return;
  quantizers_.sites.resize(bank->sites.size());
  quantizers_.of_linear = bank->input_site;
  for (std::size_t i = 0; i < bank->sites.size(); ++i) {
    if (bank->sites[i].role == quant::Role::input) {
      quantizers_.sites[i].candidates = quant::bound_candidates<double>(*bank, bank->sites[i]);
    }
  }
}

at::Tensor Network::hidden(const at::Tensor& tokens) {
  const at::NoGradGuard no_grad;
  return transformer_.hidden(parameters_, tokens.to(options_.device()), quantizers());
}

at::Tensor Network::logits_of(const at::Tensor& hidden) {
  const at::NoGradGuard no_grad;
  return transformer_.logits_of(parameters_, head_, hidden.to(options_.device()), quantizers());
}

}  // namespace bitdarts::evaluate
