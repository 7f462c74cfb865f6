#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "quant/scheme.hpp"
#include "store/file.hpp"

namespace bitdarts::model {

/// The sizes of a Llama-shaped decoder, all resolved (no zeros that mean "default").
struct ModelShape {
  std::int64_t vocab = 0, dim = 0, layers = 0, heads = 0, kv_heads = 0, ffn = 0, context = 0;
  double rope_theta = 10000.0, norm_eps = 1e-5;
  bool tied_embeddings = true;
  bool operator==(const ModelShape&) const = default;
  std::int64_t head_size() const { return dim / heads; }
};
ModelShape resolve_shape(const config::ModelOptions& options, std::int64_t vocab);

/// One parameter tensor in the flat parameter buffer.
struct Parameter {
  std::string name;  ///< as in public Llama checkpoints, e.g. "model.layers.0.self_attn.q_proj.weight"
  std::vector<std::int64_t> shape;
  std::size_t begin = 0, size = 0;  ///< elements
  bool matrix = true;               ///< weight decay applies
};

/// All parameters in forward order, one after another, and the layers that can be quantized.
struct ParameterLayout {
  std::vector<Parameter> parameters;
  std::size_t total = 0;
  std::vector<quant::LayerShape> linears;     ///< quantizable, forward order; the head last when asked for
  std::vector<std::size_t> linear_parameter;  ///< by linear: index into parameters
  const Parameter& named(const std::string& name) const;
  std::size_t index_of(const std::string& name) const;
};
/// `quantize_head`: the output head counts as a linear layer (its own matrix even when embeddings are tied:
/// it is then the embedding matrix, quantized where it is used as head only).
ParameterLayout make_layout(const ModelShape& shape, bool quantize_head = false);
/// Multiply-accumulates a token of the output head where it is not among `layout.linears`; else 0. It is the
/// one unquantized matrix that multiplies: embeddings are looked up.
std::int64_t unquantized_macs(const ModelShape& shape, const ParameterLayout& layout);

/// Normal(0, 0.02) matrices (output projections of a block scaled by 1/sqrt(2 layers)), norms 1. Keyed by
/// seed and parameter name, never by rank.
std::vector<float> initial_parameters(const ModelShape& shape, const ParameterLayout& layout,
                                      std::uint64_t seed);

/// /model/<name> datasets and the shape as attributes of /model.
void save_model(store::File& file, const ModelShape& shape, const ParameterLayout& layout,
                std::span<const float> parameters);
ModelShape load_shape(const store::File& file);
/// InputError when a tensor is missing, has another shape, or is not finite (the first bad element is named).
std::vector<float> load_parameters(const store::File& file, const ParameterLayout& layout);

}  // namespace bitdarts::model
