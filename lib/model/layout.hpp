#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/architecture.hpp"
#include "quant/scheme.hpp"

namespace bitdarts::model {

/// One parameter tensor in the flat parameter buffer.
struct Parameter {
  enum class Start { normal, into_residual, one, zero };
  std::string name;  ///< as in public Llama checkpoints, e.g. "model.layers.0.self_attn.q_proj.weight"
  std::vector<std::int64_t> shape;
  std::size_t begin = 0, size = 0;  ///< elements
  bool matrix = true;               ///< weight decay applies
  Start start = Start::normal;      ///< see initial_parameters()
};

/// Where the parts of one block stand: indices into ParameterLayout::parameters, of linear layers into
/// `linears`, by LinearRole.
struct BlockLayout {
  std::size_t attention_norm = 0, feed_forward_norm = 0;
  std::optional<std::size_t> query_norm, key_norm;
  std::array<std::size_t, block_linears.size()> linear{};
  std::array<std::optional<std::size_t>, block_linears.size()> bias{};
  std::size_t of(LinearRole role) const { return linear[static_cast<std::size_t>(role)]; }
};

/// All parameters in forward order, one after another, and the layers that can be quantized.
struct ParameterLayout {
  std::vector<Parameter> parameters;
  std::size_t total = 0;
  std::vector<quant::LayerShape> linears;     ///< quantizable, forward order; the head last when asked for
  std::vector<std::size_t> linear_parameter;  ///< by linear: index into parameters
  std::vector<BlockLayout> blocks;
  std::size_t embedding = 0, final_norm = 0;  ///< indices into parameters
  std::size_t output = 0;                     ///< the output head's matrix; the embedding where they are tied
  std::optional<std::size_t> quantized_head;  ///< index into linears
  const Parameter& named(const std::string& name) const;
  std::size_t index_of(const std::string& name) const;
  const Parameter& weight(std::size_t linear) const { return parameters[linear_parameter[linear]]; }
  bool is_head(std::size_t linear) const { return quantized_head == linear; }
};
/// `quantize_head`: the output head counts as a linear layer (its own matrix even when embeddings are tied:
/// it is then the embedding matrix, quantized where it is used as head only).
ParameterLayout make_layout(const ModelShape& shape, bool quantize_head = false);
/// Multiply-accumulates a token of the output head where it is not among `layout.linears`; else 0. It is the
/// one unquantized matrix that multiplies: embeddings are looked up.
std::int64_t unquantized_macs(const ModelShape& shape, const ParameterLayout& layout);

/// Normal(0, 0.02) matrices (output projections of a block scaled by 1/sqrt(2 layers)), norms 1, biases 0.
/// Keyed by seed and the parameter's place, never by rank.
std::vector<float> initial_parameters(const ModelShape& shape, const ParameterLayout& layout,
                                      std::uint64_t seed);

}  // namespace bitdarts::model
