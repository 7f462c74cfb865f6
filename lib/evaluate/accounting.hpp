#pragma once
#include <cstdint>
#include <span>

#include "evaluate/packed.hpp"
#include "quant/scheme.hpp"

namespace bitdarts::evaluate {

/// What the model takes. Bits per weight are the codes' nominal widths plus 32 bits for every weight scale,
/// over the number of weights; bytes are what is stored, with rows padded to whole bytes.
struct Accounting {
  double mean_weight_bits = 0;      ///< quantizable layers alone
  double mean_weight_bits_all = 0;  ///< all parameters: embeddings, norms and an unquantized head at 32 bits
  std::int64_t quantized_weight_bytes = 0;  ///< /packed/*: codes, steps, and the values of fp32 layers
  std::int64_t model_bytes =
      0;  ///< those, the other parameters, and 4 bytes for every input scale and offset
  std::int64_t full_precision_bytes = 0;  ///< 4 bytes a parameter
  double compression_ratio = 0;           ///< full_precision_bytes / model_bytes
  double weight_compression_ratio =
      0;  ///< quantizable layers alone: 4 bytes a weight / quantized_weight_bytes
};

/// `layers` and `scheme` in layer order. A head that shares its matrix with the embedding is stored twice,
/// once as each.
Accounting account(const model::ParameterLayout& layout, std::span<const PackedLayer> layers,
                   const quant::Scheme& scheme);

}  // namespace bitdarts::evaluate
