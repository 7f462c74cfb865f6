#pragma once
#include <initializer_list>
#include <vector>

#include "model/functions.hpp"
#include "model/layout.hpp"
#include "model/quantized_linear.hpp"
#include "model/torch.hpp"

namespace bitdarts::model {

/// How the linear layers of one pass are quantized: by layer, the index of its input quantizer. Empty: full
/// precision.
struct InputQuantizers {
  std::vector<InputQuantizer> sites;
  std::vector<std::size_t> of_linear;
};

/// The decoder as a function of its parameters: no state but constants (rotary tables).
/// Float32 or float64, CPU or CUDA, as the parameters are.
class Transformer {
 public:
  Transformer(const ModelShape& shape, const ParameterLayout& layout, const at::TensorOptions& options);

  /// `parameters`: by layout; for quantized layers the mixed weight W~ takes the weight's place. `head`: W~
  /// of the output head when it is quantized, else undefined. tokens [batch, time] int64, time <= context.
  /// Returns logits [batch * time, vocab].
  at::Tensor logits(const std::vector<at::Tensor>& parameters, const at::Tensor& head,
                    const at::Tensor& tokens, InputQuantizers* quantizers = nullptr) const;
  /// The same in two steps: what the final norm gives, [batch * time, dim], and what the output head makes of
  /// it.
  at::Tensor hidden(const std::vector<at::Tensor>& parameters, const at::Tensor& tokens,
                    InputQuantizers* quantizers = nullptr) const;
  at::Tensor logits_of(const std::vector<at::Tensor>& parameters, const at::Tensor& head,
                       const at::Tensor& hidden, InputQuantizers* quantizers = nullptr) const;
  /// `weight` times the mean cross entropy [nats per token] of `targets`, shaped as `tokens`, without keeping
  /// all logits.
  at::Tensor loss(const std::vector<at::Tensor>& parameters, const at::Tensor& head, const at::Tensor& tokens,
                  const at::Tensor& targets, double weight = 1, InputQuantizers* quantizers = nullptr) const;

  const ModelShape& shape() const { return shape_; }
  const ParameterLayout& layout() const { return layout_; }

 private:
  /// What the output head multiplies with: `head`, or the parameter that it is.
  const at::Tensor& output_matrix(const std::vector<at::Tensor>& parameters, const at::Tensor& head) const;
  at::Tensor attention(const std::vector<at::Tensor>& parameters, const BlockLayout& block,
                       const at::Tensor& x, std::int64_t batch, std::int64_t time,
                       InputQuantizers* quantizers) const;
  at::Tensor feed_forward(const std::vector<at::Tensor>& parameters, const BlockLayout& block,
                          const at::Tensor& x, InputQuantizers* quantizers) const;
  /// The layers of one block that have these roles, on the same input, with their biases; a quantizer that
  /// neighbours share is applied once.
  std::vector<at::Tensor> linears(const std::vector<at::Tensor>& parameters, const at::Tensor& x,
                                  const BlockLayout& block, std::initializer_list<LinearRole> roles,
                                  InputQuantizers* quantizers) const;
  /// RMSNorm over each head of x [batch * time, heads * head_size].
  at::Tensor normed_heads(const at::Tensor& x, const at::Tensor& weight) const;

  ModelShape shape_;
  ParameterLayout layout_;
  at::Tensor cosine_, sine_;  ///< [context, head_size]
};

}  // namespace bitdarts::model
