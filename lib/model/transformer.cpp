#include "model/transformer.hpp"

#include <limits>

namespace bitdarts::model {
namespace {

constexpr std::size_t linears_per_block = 7;
enum LinearInBlock : std::size_t { q = 0, k = 1, v = 2, o = 3, gate = 4, up = 5, down = 6 };

}  // namespace

Transformer::Transformer(const ModelShape& shape, const ParameterLayout& layout,
                         const at::TensorOptions& options)
    : shape_(shape), layout_(layout) {
  for (std::int64_t i = 0; i < shape.layers; ++i) {
    const std::string block = "model.layers." + std::to_string(i) + ".";
    first_norm_.push_back(layout_.index_of(block + "input_layernorm.weight"));
    second_norm_.push_back(layout_.index_of(block + "post_attention_layernorm.weight"));
  }
  final_norm_ = layout_.index_of("model.norm.weight");

  const at::TensorOptions precise = at::TensorOptions().dtype(at::kDouble);
  const at::Tensor frequency = at::pow(shape.rope_theta, -at::arange(0, shape.head_size(), 2, precise) /
                                                             static_cast<double>(shape.head_size()));
  const at::Tensor angle = at::outer(at::arange(shape.context, precise), frequency);
  const at::Tensor both = at::cat({angle, angle}, -1);
  cosine_ = at::cos(both).to(options);
  sine_ = at::sin(both).to(options);
}

std::vector<at::Tensor> Transformer::linears(const std::vector<at::Tensor>& parameters, const at::Tensor& x,
                                             std::size_t first, std::size_t count,
                                             InputQuantizers* quantizers) const {
  std::vector<at::Tensor> outputs;
  std::size_t quantized_site = std::numeric_limits<std::size_t>::max();
  at::Tensor quantized;
  for (std::size_t l = first; l < first + count; ++l) {
    const at::Tensor& weight = parameters[layout_.linear_parameter[l]];
    if (!quantizers) {
      outputs.push_back(at::matmul(x, weight.t()));
      continue;
    }
    const std::size_t site = quantizers->of_linear[l];
    const bool shared =
        (l + 1 < first + count && quantizers->of_linear[l + 1] == site) || site == quantized_site;
    if (!shared) {
      outputs.push_back(quantized_linear(x, weight, quantizers->sites[site]));
      continue;
    }
    if (site != quantized_site) {
      quantized = quantize_input(x, quantizers->sites[site]);
      quantized_site = site;
    }
    outputs.push_back(at::matmul(quantized, weight.t()));
  }
  return outputs;
}

at::Tensor Transformer::attention(const std::vector<at::Tensor>& parameters, std::size_t block,
                                  const at::Tensor& x, std::int64_t batch, std::int64_t time,
                                  InputQuantizers* quantizers) const {
  const auto qkv = linears(parameters, x, block * linears_per_block + q, 3, quantizers);
  const AttentionShape shape{batch, time, shape_.heads, shape_.kv_heads, shape_.head_size()};
  const at::Tensor mixed =
      rotary_attention(shape, qkv[0], qkv[1], qkv[2], cosine_.narrow(0, 0, time), sine_.narrow(0, 0, time));
  return linears(parameters, mixed, block * linears_per_block + o, 1, quantizers)[0];
}

at::Tensor Transformer::feed_forward(const std::vector<at::Tensor>& parameters, std::size_t block,
                                     const at::Tensor& x, InputQuantizers* quantizers) const {
  const auto gate_up = linears(parameters, x, block * linears_per_block + gate, 2, quantizers);
  return linears(parameters, swiglu(gate_up[0], gate_up[1]), block * linears_per_block + down, 1,
                 quantizers)[0];
}

at::Tensor Transformer::hidden(const std::vector<at::Tensor>& parameters, const at::Tensor& tokens,
                               InputQuantizers* quantizers) const {
  const std::int64_t batch = tokens.size(0), time = tokens.size(1);
  at::Tensor x = at::embedding(parameters[0], tokens.reshape({-1}));
  for (std::size_t block = 0; block < first_norm_.size(); ++block) {
    x = x + attention(parameters, block, rms_norm(x, parameters[first_norm_[block]], shape_.norm_eps), batch,
                      time, quantizers);
    x = x + feed_forward(parameters, block, rms_norm(x, parameters[second_norm_[block]], shape_.norm_eps),
                         quantizers);
  }
  return rms_norm(x, parameters[final_norm_], shape_.norm_eps);
}

const at::Tensor& Transformer::output_matrix(const std::vector<at::Tensor>& parameters,
                                             const at::Tensor& head) const {
  if (head.defined()) return head;
  return shape_.tied_embeddings ? parameters[0] : parameters.back();
}

at::Tensor Transformer::logits_of(const std::vector<at::Tensor>& parameters, const at::Tensor& head,
                                  const at::Tensor& hidden, InputQuantizers* quantizers) const {
  const at::Tensor& matrix = output_matrix(parameters, head);
  if (head.defined() && quantizers)
    return quantized_linear(hidden, matrix, quantizers->sites[quantizers->of_linear.back()]);
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
  if (head.defined() && quantizers) x = quantize_input(x, quantizers->sites[quantizers->of_linear.back()]);
  return linear_cross_entropy(x, output_matrix(parameters, head), targets.reshape({-1}), weight);
}

}  // namespace bitdarts::model
