#include "evaluate/packed.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "quant/packing.hpp"

namespace bitdarts::evaluate {
namespace {

std::string group_of(const std::string& layer) { return "/packed/" + layer; }

PackedLayer pack_layer(const quant::LayerShape& shape, std::span<const float> weight, const quant::Bank& bank,
                       const quant::Site& site) {
  if (site.candidates.size() != 1)
    throw Error("a weight with several candidates cannot be packed", shape.name);
  PackedLayer layer{.name = shape.name,
                    .candidate = site.candidates[0],
                    .rows = shape.out_features,
                    .columns = shape.in_features,
                    .codes = {},
                    .steps = {},
                    .values = {}};
  if (!layer.is_packed()) {
    // Through the quantizer like all the others, so that even the sign of a zero is the fake-quantized one.
    layer.values.resize(weight.size());
    quant::mix_weights<float>(bank, site, weight, layer.values);
    return layer;
  }
  const std::size_t part = weight.size() / static_cast<std::size_t>(site.channels);
  std::vector<std::int32_t> codes;
  codes.reserve(weight.size());
  for (std::int64_t c = 0; c < site.channels; ++c) {
    const auto bound = quant::bound_candidates<float>(bank, site, c)[0];
    if (bound.offset != 0)
      throw InputError("the weight's quantizer has an offset, which none of them learns", shape.name,
                       "run bitdarts-finetune again");
    const auto some = quant::codes_of(weight.subspan(static_cast<std::size_t>(c) * part, part), bound);
    codes.insert(codes.end(), some.begin(), some.end());
    layer.steps.push_back(bound.step);
  }
  layer.codes = quant::pack_codes(codes, layer.rows, layer.columns, layer.candidate.bits);
  return layer;
}

quant::Candidate stored_candidate(const std::string& text, const std::string& where) {
  try {
    return quant::parse_candidate(text, where);
  } catch (const ConfigError& e) {  // inside a product it is a bad input, not a bad option
    throw InputError(e.what(), where, "run bitdarts-evaluate --force");
  }
}

void require_fitting(const PackedLayer& layer, const std::string& where) {
  const auto rows = static_cast<std::size_t>(layer.rows), columns = static_cast<std::size_t>(layer.columns);
  bool fits = layer.values.size() == (layer.is_packed() ? 0 : rows * columns);
  if (layer.is_packed()) {
    fits = fits &&
           layer.codes.size() == quant::packed_bytes(layer.rows, layer.columns, layer.candidate.bits) &&
           (layer.steps.size() == 1 || layer.steps.size() == rows);
  } else {
    fits = fits && layer.codes.empty() && layer.steps.empty();
  }
  if (!fits)
    throw InputError("the packed layer does not have the size that its shape and candidate ask for", where,
                     "run bitdarts-evaluate --force");
  for (const float step : layer.steps) {
    if (!(step > 0) || !std::isfinite(step)) {
      throw InputError("a step of the packed layer is not a positive number", where,
                       "run bitdarts-evaluate --force");
    }
  }
}

}  // namespace

std::int64_t PackedLayer::bytes() const {
  return static_cast<std::int64_t>(codes.size() + sizeof(float) * (steps.size() + values.size()));
}

std::vector<PackedLayer> pack(const model::ParameterLayout& layout, std::span<const float> parameters,
                              const quant::Bank& bank) {
  std::vector<PackedLayer> layers;
  for (std::size_t l = 0; l < layout.linears.size(); ++l) {
    layers.push_back(pack_layer(layout.linears[l], model::weight_of(layout, parameters, l), bank,
                                bank.sites[bank.weight_site[l]]));
  }
  return layers;
}

std::vector<float> unpack(const PackedLayer& layer) {
  require_fitting(layer, layer.name);
  if (!layer.is_packed()) return layer.values;
  const auto codes = quant::unpack_codes(layer.codes, layer.rows, layer.columns, layer.candidate.bits);
  std::vector<float> values(codes.size());
  const std::size_t part = codes.size() / layer.steps.size();
  for (std::size_t c = 0; c < layer.steps.size(); ++c) {
    quant::BoundCandidate<float> bound;
    bound.method = layer.candidate.method;
    bound.step = layer.steps[c];
    quant::dequantize(std::span(codes).subspan(c * part, part), bound,
                      std::span(values).subspan(c * part, part));
  }
  return values;
}

EffectiveWeights unpack_weights(const model::ParameterLayout& layout, std::span<const float> parameters,
                                std::span<const PackedLayer> layers) {
  if (layers.size() != layout.linears.size())
    throw Error("the packed model has another number of layers than the model");
  EffectiveWeights effective(model::effective_size(layout));
  std::copy(parameters.begin(), parameters.end(), effective.begin());
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const auto values = unpack(layers[l]);
    if (values.size() != layout.weight(l).size)
      throw Error("the packed layer has another size than the model's", layers[l].name);
    std::copy(values.begin(), values.end(),
              effective.begin() + static_cast<std::ptrdiff_t>(model::effective_begin(layout, l)));
  }
  return effective;
}

void save_packed(store::File& file, std::span<const PackedLayer> layers) {
  for (const auto& layer : layers) {
    const std::string group = group_of(layer.name);
    const auto rows = static_cast<std::uint64_t>(layer.rows);
    if (layer.is_packed()) {
      file.write<std::uint8_t>(group + "/codes", layer.codes, {rows, layer.codes.size() / rows});
      file.write<float>(group + "/step", layer.steps);
    } else {
      file.write<float>(group + "/values", layer.values, {rows, static_cast<std::uint64_t>(layer.columns)});
    }
    file.set_attribute(group, "candidate", to_string(layer.candidate));
    file.set_attribute(group, "bits", std::int64_t{layer.candidate.bits});
    file.set_attribute(group, "out_features", layer.rows);
    file.set_attribute(group, "in_features", layer.columns);
  }
}

std::vector<PackedLayer> load_packed(const store::File& file, std::span<const quant::LayerShape> shapes) {
  std::vector<PackedLayer> layers;
  for (const auto& shape : shapes) {
    const std::string group = group_of(shape.name), where = file.path().string() + ":" + group;
    PackedLayer layer{.name = shape.name,
                      .candidate = stored_candidate(file.required_text(group, "candidate"), where),
                      .rows = file.required_int(group, "out_features"),
                      .columns = file.required_int(group, "in_features"),
                      .codes = {},
                      .steps = {},
                      .values = {}};
    if (layer.rows != shape.out_features || layer.columns != shape.in_features ||
        file.required_int(group, "bits") != layer.candidate.bits) {
      throw InputError("the packed layer has another shape or width than the model's", where,
                       "run bitdarts-evaluate --force");
    }
    if (layer.is_packed()) {
      layer.codes = file.read<std::uint8_t>(group + "/codes");
      layer.steps = file.read<float>(group + "/step");
    } else {
      layer.values = file.read<float>(group + "/values");
    }
    require_fitting(layer, where);
    layers.push_back(std::move(layer));
  }
  return layers;
}

}  // namespace bitdarts::evaluate
