#include "quant/cost.hpp"

#include <algorithm>
#include <cstdio>

#include "core/error.hpp"
#include "quant/methods/table.hpp"
#include "quant/packing.hpp"

namespace bitdarts::quant {
namespace {

constexpr int full_bits = 32;

void require_layers(std::size_t given, std::span<const LayerShape> layers) {
  if (given != layers.size())
    throw Error("there are " + std::to_string(layers.size()) + " quantized layers, but " +
                std::to_string(given) + " are described");
}

void require_same_layers(std::span<const LayerShape> layers, const Scheme& scheme) {
  require_layers(scheme.entries.size(), layers);
  for (std::size_t l = 0; l < layers.size(); ++l)
    if (scheme.entries[l].layer != layers[l].name)
      throw Error("the scheme says '" + scheme.entries[l].layer + "' where the network has '" +
                  layers[l].name + "'");
}

}  // namespace

CostKind parse_cost(const std::string& text) {
  if (text == "bops") return CostKind::bops;
  if (text == "size") return CostKind::size;
  throw ConfigError("unknown cost '" + text + "'", {}, "write bops or size");
}

Cost cost_of(const config::SearchOptions& search, const config::QuantizerOptions& quantizer) {
  return {parse_cost(search.cost), quantizer.weight_scale == "channel"};
}

std::int64_t weight_units(const Cost& cost, const LayerShape& layer, const Candidate& weight) {
  if (cost.kind == CostKind::bops) return weight.bits;
  if (!has_codes(weight)) return full_bits * layer.parameters();
  const auto codes =
      static_cast<std::int64_t>(packed_bytes(layer.out_features, layer.in_features, weight.bits));
  return 8 * codes + full_bits * (cost.per_channel ? layer.out_features : 1);
}

std::int64_t input_units(const Cost& cost, const Candidate& input) {
  return cost.kind == CostKind::bops ? input.bits : full_bits * input_numbers(traits(input.method));
}

std::int64_t layer_cost(const Cost& cost, const LayerShape& layer, const Candidate& weight,
                        const Candidate& input) {
  const std::int64_t w = weight_units(cost, layer, weight), a = input_units(cost, input);
  return cost.kind == CostKind::bops ? layer.macs() * w * a : w + a;
}

std::int64_t full_cost(const Cost& cost, std::span<const LayerShape> layers) {
  std::int64_t sum = 0;
  for (const auto& layer : layers) sum += layer_cost(cost, layer, {}, {});
  return sum;
}

std::int64_t largest_cost(const Cost& cost, std::span<const LayerShape> layers) {
  std::int64_t sum = 0;
  for (const auto& layer : layers) {
    std::int64_t largest = layer_cost(cost, layer, {}, {});
    for (const auto& weight : Methods::rows)
      for (const auto& input : Methods::rows) {
        const Candidate w = has_codes(weight) ? Candidate{weight.method, 16} : Candidate{};
        const Candidate a = has_codes(input) ? Candidate{input.method, 16} : Candidate{};
        largest = std::max(largest, layer_cost(cost, layer, w, a));
      }
    sum += largest;
  }
  return sum;
}

std::int64_t scheme_cost(const Cost& cost, std::span<const LayerShape> layers, const Scheme& scheme) {
  require_same_layers(layers, scheme);
  std::int64_t sum = 0;
  for (std::size_t l = 0; l < layers.size(); ++l)
    sum += layer_cost(cost, layers[l], scheme.entries[l].weight, scheme.entries[l].input);
  return sum;
}

ExpectedCost expected_cost(const Cost& cost, std::span<const LayerShape> layers,
                           std::span<const double> weight_units, std::span<const double> input_units) {
  require_layers(weight_units.size(), layers);
  require_layers(input_units.size(), layers);
  ExpectedCost expected;
  expected.by_weight.resize(layers.size());
  expected.by_input.resize(layers.size());
  const double full = static_cast<double>(full_cost(cost, layers));
  for (std::size_t l = 0; l < layers.size(); ++l) {
    if (cost.kind == CostKind::bops) {
      const double share = static_cast<double>(layers[l].macs()) / full;
      expected.ratio += share * weight_units[l] * input_units[l];
      expected.by_weight[l] = share * input_units[l];
      expected.by_input[l] = share * weight_units[l];
    } else {
      expected.ratio += (weight_units[l] + input_units[l]) / full;
      expected.by_weight[l] = expected.by_input[l] = 1 / full;
    }
  }
  return expected;
}

SchemeSummary summarise(std::span<const LayerShape> layers, const Scheme& scheme, std::int64_t other_macs) {
  require_same_layers(layers, scheme);
  double parameters = 0, macs = 0, weight_bits = 0, input_bits = 0, bops = 0;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const double layer_parameters = static_cast<double>(layers[l].parameters());
    const double layer_macs = static_cast<double>(layers[l].macs());
    const int w = scheme.entries[l].weight.bits, a = scheme.entries[l].input.bits;
    parameters += layer_parameters;
    macs += layer_macs;
    weight_bits += layer_parameters * w;
    input_bits += layer_macs * a;
    bops += layer_macs * w * a;
  }
  if (layers.empty()) return {};
  constexpr double full = full_bits * full_bits;
  const auto others = static_cast<double>(other_macs);
  return {.mean_weight_bits = weight_bits / parameters,
          .mean_input_bits = input_bits / macs,
          .bops_ratio = bops / (macs * full),
          .bops_ratio_all = (bops + others * full) / ((macs + others) * full),
          .size_ratio = weight_bits / (parameters * full_bits)};
}

std::string bops_in_words(const SchemeSummary& summary) {
  char text[80];
  std::snprintf(text, sizeof text, "%.3f%%", 100 * summary.bops_ratio);
  std::string words = text;
  if (summary.bops_ratio_all != summary.bops_ratio) {
    const double all = 100 * summary.bops_ratio_all;
    std::snprintf(text, sizeof text,
                  all < 10 ? " (%.2f%% with the output head)" : " (%.1f%% with the output head)", all);
    words += text;
  }
  return words;
}

}  // namespace bitdarts::quant
