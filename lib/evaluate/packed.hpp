#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "evaluate/network.hpp"
#include "store/file.hpp"

namespace bitdarts::evaluate {

/// One quantizable layer as it is stored: integer codes of the candidate's width and one step (or one per
/// output channel), or, for fp32, the values themselves. Weights have no offset in any method (METHOD section
/// 2).
struct PackedLayer {
  std::string name;
  quant::Candidate candidate;
  std::int64_t rows = 0, columns = 0;  ///< out_features, in_features
  std::vector<std::uint8_t> codes;     ///< [rows, ceil(columns * bits / 8)], see quant/packing.hpp
  std::vector<float> steps;            ///< [1] or [rows]
  std::vector<float> values;           ///< fp32 only: [rows, columns]

  bool operator==(const PackedLayer&) const = default;
  bool is_packed() const { return quant::has_codes(candidate); }
  /// What its datasets take, steps included.
  std::int64_t bytes() const;
};

/// Every quantizable layer, in layer order. The bank has one candidate per site (make_scheme_bank); call
/// fake_quantized first, which takes the maxima of uniform candidates.
std::vector<PackedLayer> pack(const model::ParameterLayout& layout, std::span<const float> parameters,
                              const quant::Bank& bank);

/// step * code, in float: the values that the fake-quantized weight has. InputError when the parts do not fit
/// each other.
std::vector<float> unpack(const PackedLayer& layer);

/// The effective weights of the packed model: unpacked layers, and everything else from `parameters`.
EffectiveWeights unpack_weights(const model::ParameterLayout& layout, std::span<const float> parameters,
                                std::span<const PackedLayer> layers);

/// /packed/<layer>/{codes,step}, or /packed/<layer>/values for fp32; attributes of /packed/<layer>:
/// candidate, bits, out_features, in_features.
void save_packed(store::File& file, std::span<const PackedLayer> layers);
/// InputError when a layer is missing or its datasets do not have the sizes that the model and the candidate
/// ask for.
std::vector<PackedLayer> load_packed(const store::File& file, std::span<const quant::LayerShape> layers);

}  // namespace bitdarts::evaluate
