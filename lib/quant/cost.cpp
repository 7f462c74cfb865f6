#include "quant/cost.hpp"

#include <algorithm>
#include <cstdio>

#include "core/error.hpp"

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

std::int64_t layer_cost(CostKind kind, const LayerShape& layer, int weight_bits, int input_bits) {
  return kind == CostKind::bops ? layer.macs() * weight_bits * input_bits : layer.parameters() * weight_bits;
}

std::int64_t full_cost(CostKind kind, std::span<const LayerShape> layers) {
  std::int64_t cost = 0;
  for (const auto& layer : layers) cost += layer_cost(kind, layer, full_bits, full_bits);
  return cost;
}

std::int64_t scheme_cost(CostKind kind, std::span<const LayerShape> layers, const Scheme& scheme) {
  require_same_layers(layers, scheme);
  std::int64_t cost = 0;
  for (std::size_t l = 0; l < layers.size(); ++l)
    cost += layer_cost(kind, layers[l], scheme.entries[l].weight.bits, scheme.entries[l].input.bits);
  return cost;
}

ExpectedCost expected_cost(CostKind kind, std::span<const LayerShape> layers,
                           std::span<const double> weight_bits, std::span<const double> input_bits) {
  require_layers(weight_bits.size(), layers);
  require_layers(input_bits.size(), layers);
  ExpectedCost cost;
  cost.by_weight_bits.resize(layers.size());
  cost.by_input_bits.resize(layers.size());
  const double full = static_cast<double>(full_cost(kind, layers));
  for (std::size_t l = 0; l < layers.size(); ++l) {
    if (kind == CostKind::bops) {
      const double share = static_cast<double>(layers[l].macs()) / full;
      cost.ratio += share * weight_bits[l] * input_bits[l];
      cost.by_weight_bits[l] = share * input_bits[l];
      cost.by_input_bits[l] = share * weight_bits[l];
    } else {
      const double share = static_cast<double>(layers[l].parameters()) / full;
      cost.ratio += share * weight_bits[l];
      cost.by_weight_bits[l] = share;
    }
  }
  return cost;
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
