#pragma once
#include <array>
#include <cstdint>

#include "config/config.hpp"

namespace bitdarts::model {

/// How rotary frequencies are stretched for contexts longer than the model was first trained on.
struct RopeScaling {
  enum class Kind {
    none,
    linear,  ///< every frequency by 1 / factor
    llama3   ///< long waves by 1 / factor, short ones not at all, between them a mixture (Llama 3.1)
  };
  Kind kind = Kind::none;
  double factor = 1;
  double low_frequency_factor = 1, high_frequency_factor = 4;  ///< llama3
  std::int64_t original_context = 8192;                        ///< llama3 [tokens]
  bool operator==(const RopeScaling&) const = default;
};
/// A frequency [radians per token] as the scaling leaves it.
double scaled_frequency(const RopeScaling& scaling, double frequency);

/// The sizes of a Llama-shaped decoder, all resolved (no zeros that mean "default", but for head_dim), and
/// what its blocks have beyond Llama's: Qwen2 has biases of q, k and v, Qwen3 norms of q and k.
struct ModelShape {
  std::int64_t vocab = 0, dim = 0, layers = 0, heads = 0, kv_heads = 0, ffn = 0, context = 0;
  double rope_theta = 10000.0, norm_eps = 1e-5;
  bool tied_embeddings = true;
  std::int64_t head_dim = 0;  ///< size of a head where it is not dim / heads; else 0
  bool qkv_bias = false;      ///< q, k and v add a bias
  bool qk_norm = false;       ///< RMSNorm over every head of q and k, before they are turned
  RopeScaling rope_scaling = {};
  bool operator==(const ModelShape&) const = default;
  std::int64_t head_size() const { return head_dim > 0 ? head_dim : dim / heads; }
};
ModelShape resolve_shape(const config::ModelOptions& options, std::int64_t vocab);
/// Do the sizes fit together? (Every size positive, heads of even size, whole groups of heads.)
bool fits_together(const ModelShape& shape);

/// What a linear layer does in a block; also its place in block_linears.
enum class LinearRole { query, key, value, attention_output, gate, up, down };
/// Which tensor of the block a layer reads: those that read the same can share an input quantizer.
enum class BlockInput { attention_norm, attention, feed_forward_norm, gated };

/// One linear layer of a block, as data.
struct BlockLinear {
  LinearRole role;
  const char* name;  ///< in public Llama checkpoints, after "model.layers.N."
  BlockInput reads;
  std::int64_t (*out)(const ModelShape&);  ///< features
  std::int64_t (*in)(const ModelShape&);
  bool into_residual;  ///< its output is added to the residual stream
  bool (*has_bias)(const ModelShape&);
};

namespace block {
inline std::int64_t dim(const ModelShape& s) { return s.dim; }
inline std::int64_t ffn(const ModelShape& s) { return s.ffn; }
inline std::int64_t query_width(const ModelShape& s) { return s.heads * s.head_size(); }
inline std::int64_t key_width(const ModelShape& s) { return s.kv_heads * s.head_size(); }
inline bool never(const ModelShape&) { return false; }
inline bool qkv_bias(const ModelShape& s) { return s.qkv_bias; }
}  // namespace block

/// A block's linear layers in forward order. What else a block has are the norms of BlockInput and, with
/// qk_norm, those of q and k.
inline constexpr std::array<BlockLinear, 7> block_linears{{
    {LinearRole::query, "self_attn.q_proj", BlockInput::attention_norm, block::query_width, block::dim, false,
     block::qkv_bias},
    {LinearRole::key, "self_attn.k_proj", BlockInput::attention_norm, block::key_width, block::dim, false,
     block::qkv_bias},
    {LinearRole::value, "self_attn.v_proj", BlockInput::attention_norm, block::key_width, block::dim, false,
     block::qkv_bias},
    {LinearRole::attention_output, "self_attn.o_proj", BlockInput::attention, block::dim, block::query_width,
     true, block::never},
    {LinearRole::gate, "mlp.gate_proj", BlockInput::feed_forward_norm, block::ffn, block::dim, false,
     block::never},
    {LinearRole::up, "mlp.up_proj", BlockInput::feed_forward_norm, block::ffn, block::dim, false,
     block::never},
    {LinearRole::down, "mlp.down_proj", BlockInput::gated, block::dim, block::ffn, true, block::never},
}};

}  // namespace bitdarts::model
