#pragma once
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
  at::Tensor attention(const std::vector<at::Tensor>& parameters, std::size_t block, const at::Tensor& x,
                       std::int64_t batch, std::int64_t time, InputQuantizers* quantizers) const;
  at::Tensor feed_forward(const std::vector<at::Tensor>& parameters, std::size_t block, const at::Tensor& x,
                          InputQuantizers* quantizers) const;
  /// The layers `first` .. of one block on the same input; a shared quantizer is applied once.
  std::vector<at::Tensor> linears(const std::vector<at::Tensor>& parameters, const at::Tensor& x,
                                  std::size_t first, std::size_t count, InputQuantizers* quantizers) const;

  ModelShape shape_;
  ParameterLayout layout_;
  std::vector<std::size_t> first_norm_, second_norm_;  ///< parameter indices by block
  std::size_t final_norm_ = 0;
  at::Tensor cosine_, sine_;  ///< [context, head_size]
};

}  // namespace bitdarts::model
