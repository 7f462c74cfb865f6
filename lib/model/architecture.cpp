#include "model/architecture.hpp"

#include <cmath>
#include <numbers>

namespace bitdarts::model {

double scaled_frequency(const RopeScaling& scaling, double frequency) {
  switch (scaling.kind) {
    case RopeScaling::Kind::none:
      return frequency;
    case RopeScaling::Kind::linear:
      return frequency / scaling.factor;
    case RopeScaling::Kind::llama3:
      break;
  }
  // How often the wave fits into the context that the model was first trained on.
  const double turns = static_cast<double>(scaling.original_context) * frequency / (2 * std::numbers::pi);
  if (turns > scaling.high_frequency_factor) return frequency;
  if (turns < scaling.low_frequency_factor) return frequency / scaling.factor;
  const double kept =
      (turns - scaling.low_frequency_factor) / (scaling.high_frequency_factor - scaling.low_frequency_factor);
  return kept * frequency + (1 - kept) * frequency / scaling.factor;
}

ModelShape resolve_shape(const config::ModelOptions& o, std::int64_t vocab) {
  ModelShape shape{.vocab = vocab,
                   .dim = o.dim,
                   .layers = o.layers,
                   .heads = o.heads,
                   .kv_heads = o.kv_heads ? o.kv_heads : o.heads,
                   .ffn = o.ffn,
                   .context = o.context,
                   .rope_theta = o.rope_theta,
                   .norm_eps = o.norm_eps,
                   .tied_embeddings = o.tied_embeddings};
  if (shape.ffn == 0) shape.ffn = (8 * o.dim / 3 + 15) / 16 * 16;
  return shape;
}

bool fits_together(const ModelShape& s) {
  for (const std::int64_t size : {s.vocab, s.dim, s.layers, s.heads, s.kv_heads, s.ffn, s.context})
    if (size < 1) return false;
  const auto usable = [](double value, double above) { return std::isfinite(value) && value > above; };
  const RopeScaling& r = s.rope_scaling;
  return usable(s.rope_theta, 1) && usable(s.norm_eps, 0) && s.layers <= 4096 && s.head_dim >= 0 &&
         (s.head_dim > 0 || s.dim % s.heads == 0) && s.head_size() > 0 && s.head_size() % 2 == 0 &&
         s.heads % s.kv_heads == 0 && usable(r.factor, 0) && usable(r.low_frequency_factor, 0) &&
         usable(r.high_frequency_factor, r.low_frequency_factor) && r.original_context > 0;
}

}  // namespace bitdarts::model
