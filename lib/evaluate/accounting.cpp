#include "evaluate/accounting.hpp"

#include "core/error.hpp"

namespace bitdarts::evaluate {
namespace {

constexpr std::int64_t full_bits = 32, full_bytes = 4;

// Parameters that stay in float32 beside the packed layers.
std::int64_t unpacked_parameters(const model::ParameterLayout& layout) {
  auto count = static_cast<std::int64_t>(layout.total);
  for (std::size_t l = 0; l < layout.linears.size(); ++l) {
    // A tied head is quantized as head only: the embedding it shares its matrix with stays.
    if (layout.linear_parameter[l] != layout.embedding) count -= layout.linears[l].parameters();
  }
  return count;
}

}  // namespace

Accounting account(const model::ParameterLayout& layout, std::span<const PackedLayer> layers,
                   const quant::Scheme& scheme) {
  if (layers.size() != layout.linears.size() || scheme.entries.size() != layers.size()) {
    throw Error("the model, its packed layers and its scheme have different numbers of layers");
  }
  Accounting result;
  std::int64_t weights = 0, weight_bits = 0, inputs = 0;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const std::int64_t count = layout.linears[l].parameters();
    weights += count;
    weight_bits +=
        count * layers[l].candidate.bits + full_bits * static_cast<std::int64_t>(layers[l].steps.size());
    inputs += quant::input_numbers(quant::traits(scheme.entries[l].input.method));
    result.quantized_weight_bytes += layers[l].bytes();
  }
  const std::int64_t others = unpacked_parameters(layout), total = static_cast<std::int64_t>(layout.total);
  result.model_bytes = result.quantized_weight_bytes + full_bytes * (others + inputs);
  result.full_precision_bytes = full_bytes * total;
  result.mean_weight_bits = static_cast<double>(weight_bits) / static_cast<double>(weights);
  result.mean_weight_bits_all =
      static_cast<double>(weight_bits + full_bits * others) / static_cast<double>(total);
  result.compression_ratio =
      static_cast<double>(result.full_precision_bytes) / static_cast<double>(result.model_bytes);
  result.weight_compression_ratio =
      static_cast<double>(full_bytes * weights) / static_cast<double>(result.quantized_weight_bytes);
  return result;
}

}  // namespace bitdarts::evaluate
