#include "model/transformer.hpp"

#include <limits>

namespace bitdarts::model {
Transformer::Transformer(const ModelShape& shape, const ParameterLayout& layout,
                         const at::TensorOptions& options)
    : shape_(shape), layout_(layout) {
  const at::TensorOptions precise = at::TensorOptions().dtype(at::kDouble);
  at::Tensor frequency = at::pow(shape.rope_theta, -at::arange(0, shape.head_size(), 2, precise) /
                                                       static_cast<double>(shape.head_size()));
  if (shape.rope_scaling.kind != RopeScaling::Kind::none) {
    const std::span<double> each(frequency.data_ptr<double>(), static_cast<std::size_t>(frequency.numel()));
    for (double& f : each) f = scaled_frequency(shape.rope_scaling, f);
  }
  const at::Tensor angle = at::outer(at::arange(shape.context, precise), frequency);
  const at::Tensor both = at::cat({angle, angle}, -1);
  cosine_ = at::cos(both).to(options);
  sine_ = at::sin(both).to(options);
}

std::vector<at::Tensor> Transformer::linears(const std::vector<at::Tensor>& parameters, const at::Tensor& x,
                                             const BlockLayout& block,
                                             std::initializer_list<LinearRole> roles,
                                             InputQuantizers* quantizers) const {
  std::vector<at::Tensor> outputs;
  std::size_t quantized_site = std::numeric_limits<std::size_t>::max();
  at::Tensor quantized;
  const auto product = [&](const LinearRole* role) {
    const std::size_t l = block.of(*role);
    const at::Tensor& weight = parameters[layout_.linear_parameter[l]];
    if (!quantizers) return at::matmul(x, weight.t());
    const std::size_t site = quantizers->of_linear[l];
    const bool next_shares = role + 1 < roles.end() && quantizers->of_linear[block.of(role[1])] == site;
    if (!next_shares && site != quantized_site) return quantized_linear(x, weight, quantizers->sites[site]);
    if (site != quantized_site) {
      quantized = quantize_input(x, quantizers->sites[site]);
      quantized_site = site;
    }
    return at::matmul(quantized, weight.t());
  };
  for (const LinearRole* role = roles.begin(); role < roles.end(); ++role) {
    outputs.push_back(product(role));
    if (const auto bias = block.bias[static_cast<std::size_t>(*role)])
      outputs.back() = outputs.back() + parameters[*bias];
  }
  return outputs;
}

at::Tensor Transformer::normed_heads(const at::Tensor& x, const at::Tensor& weight) const {
  return rms_norm(x.reshape({-1, shape_.head_size()}), weight, shape_.norm_eps).view(x.sizes());
}

at::Tensor Transformer::attention(const std::vector<at::Tensor>& parameters, const BlockLayout& block,
                                  const at::Tensor& x, std::int64_t batch, std::int64_t time,
                                  InputQuantizers* quantizers) const {
  auto qkv =
      linears(parameters, x, block, {LinearRole::query, LinearRole::key, LinearRole::value}, quantizers);
  if (block.query_norm) qkv[0] = normed_heads(qkv[0], parameters[*block.query_norm]);
  if (block.key_norm) qkv[1] = normed_heads(qkv[1], parameters[*block.key_norm]);
  const AttentionShape shape{batch, time, shape_.heads, shape_.kv_heads, shape_.head_size()};
  const at::Tensor mixed =
      rotary_attention(shape, qkv[0], qkv[1], qkv[2], cosine_.narrow(0, 0, time), sine_.narrow(0, 0, time));
  return linears(parameters, mixed, block, {LinearRole::attention_output}, quantizers)[0];
}

at::Tensor Transformer::feed_forward(const std::vector<at::Tensor>& parameters, const BlockLayout& block,
                                     const at::Tensor& x, InputQuantizers* quantizers) const {
  const auto gate_up = linears(parameters, x, block, {LinearRole::gate, LinearRole::up}, quantizers);
  return linears(parameters, swiglu(gate_up[0], gate_up[1]), block, {LinearRole::down}, quantizers)[0];
}

at::Tensor Transformer::hidden(const std::vector<at::Tensor>& parameters, const at::Tensor& tokens,
                               InputQuantizers* quantizers) const {
  const std::int64_t batch = tokens.size(0), time = tokens.size(1);
  at::Tensor x = at::embedding(parameters[layout_.embedding], tokens.reshape({-1}));
  const auto norm = [&](std::size_t weight) { return rms_norm(x, parameters[weight], shape_.norm_eps); };
  for (const BlockLayout& block : layout_.blocks) {
    x = x + attention(parameters, block, norm(block.attention_norm), batch, time, quantizers);
    x = x + feed_forward(parameters, block, norm(block.feed_forward_norm), quantizers);
  }
  return norm(layout_.final_norm);
}

const at::Tensor& Transformer::output_matrix(const std::vector<at::Tensor>& parameters,
                                             const at::Tensor& head) const {
  return head.defined() ? head : parameters[layout_.output];
}

at::Tensor Transformer::logits_of(const std::vector<at::Tensor>& parameters, const at::Tensor& head,
                                  const at::Tensor& hidden, InputQuantizers* quantizers) const {
  const at::Tensor& matrix = output_matrix(parameters, head);
  if (head.defined() && quantizers)
    return quantized_linear(hidden, matrix,
                            quantizers->sites[quantizers->of_linear[*layout_.quantized_head]]);
  return at::matmul(hidden, matrix.t());
}

at::Tensor Transformer::logits(const std::vector<at::Tensor>& parameters, const at::Tensor& head,
                               const at::Tensor& tokens, InputQuantizers* quantizers) const {
  return logits_of(parameters, head, hidden(parameters, tokens, quantizers), quantizers);
}

at::Tensor Transformer::loss(const std::vector<at::Tensor>& parameters, const at::Tensor& head,
                             const at::Tensor& tokens, const at::Tensor& targets, double weight,
                             InputQuantizers* quantizers) const {
  at::Tensor x = hidden(parameters, tokens, quantizers);
  if (head.defined() && quantizers)
    x = quantize_input(x, quantizers->sites[quantizers->of_linear[*layout_.quantized_head]]);
  return linear_cross_entropy(x, output_matrix(parameters, head), targets.reshape({-1}), weight);
}

}  // namespace bitdarts::model
