// Budgets as users write them.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <optional>

#include "core/error.hpp"
#include "quant/cost.hpp"

namespace bitdarts::quant {
namespace {

const char* const remedy =
    "write a uniform scheme (w4a8), a ratio to 32 bits everywhere (2% or 0.02), or, with cost=size, mean "
    "weight bits "
    "(4.5bits) or megabytes (1.5MB)";

struct Bounds {
  std::int64_t cheapest = 0, dearest = 0;
};

Bounds reachable(CostKind kind, std::span<const LayerShape> layers, std::span<const Candidate> weights,
                 std::span<const Candidate> inputs) {
  if (layers.empty() || weights.empty() || inputs.empty())
    throw Error("a budget needs layers and candidates for weights and inputs");
  const auto by_bits = [](const Candidate& left, const Candidate& right) { return left.bits < right.bits; };
  const auto [w_low, w_high] = std::minmax_element(weights.begin(), weights.end(), by_bits);
  const auto [a_low, a_high] = std::minmax_element(inputs.begin(), inputs.end(), by_bits);
  Bounds bounds;
  for (const auto& layer : layers) {
    bounds.cheapest += layer_cost(kind, layer, w_low->bits, a_low->bits);
    bounds.dearest += layer_cost(kind, layer, w_high->bits, a_high->bits);
  }
  return bounds;
}

// A number at the start of `text`; what follows is left in `unit`.
std::optional<double> leading_number(const std::string& text, std::string& unit) {
  double value = 0;
  const auto [stop, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || !std::isfinite(value)) return {};
  unit.assign(stop, text.data() + text.size());
  return value;
}

// "w4a8" -> {4, 8}
std::optional<std::pair<int, int>> uniform_widths(const std::string& text) {
  if (text.empty() || text.front() != 'w') return {};
  const char* const end = text.data() + text.size();
  std::pair<int, int> widths;
  const auto weight = std::from_chars(text.data() + 1, end, widths.first);
  if (weight.ec != std::errc() || weight.ptr == end || *weight.ptr != 'a') return {};
  const auto input = std::from_chars(weight.ptr + 1, end, widths.second);
  if (input.ec != std::errc() || input.ptr != end) return {};
  return widths;
}

bool is_width(int bits) { return (bits >= 2 && bits <= 16) || bits == 32; }

std::string shortest(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.6g", value);
  return buffer;
}

std::string describe(std::int64_t cost, CostKind kind, std::span<const LayerShape> layers) {
  const double full = static_cast<double>(full_cost(kind, layers));
  const double ratio = static_cast<double>(cost) / full;
  std::string text = shortest(100 * ratio) + "%";
  if (kind == CostKind::size)
    text += " = " + shortest(32 * ratio) + "bits = " + shortest(static_cast<double>(cost) / 8e6) + "MB";
  return text;
}

std::int64_t cost_allowed(const std::string& text, CostKind kind, std::span<const LayerShape> layers) {
  if (const auto widths = uniform_widths(text)) {
    if (!is_width(widths->first) || !is_width(widths->second))
      throw ConfigError("budget '" + text + "': widths are 2 to 16 or 32 bits", {}, remedy);
    std::int64_t cost = 0;
    for (const auto& layer : layers) cost += layer_cost(kind, layer, widths->first, widths->second);
    return cost;
  }
  std::string unit;
  const auto number = leading_number(text, unit);
  if (!number) throw ConfigError("budget '" + text + "' is not understood", {}, remedy);
  if (*number <= 0) throw ConfigError("budget '" + text + "' is not positive", {}, remedy);
  const double full = static_cast<double>(full_cost(kind, layers));
  const auto whole = [](double cost) { return static_cast<std::int64_t>(std::floor(cost)); };
  if (unit.empty() || unit == "%") {
    const double ratio = unit.empty() ? *number : *number / 100;
    if (ratio > 1)
      throw ConfigError("budget '" + text + "' is more than 32 bits everywhere cost", {}, remedy);
    return whole(ratio * full);
  }
  if (unit != "bits" && unit != "MB")
    throw ConfigError("budget '" + text + "' has the unknown unit '" + unit + "'", {}, remedy);
  if (kind != CostKind::size)
    throw ConfigError("budget '" + text + "' speaks of weights alone, but cost=bops counts inputs too", {},
                      "set cost=size, or write the budget as w4a8 or as a percentage");
  const double bits = unit == "bits" ? *number / 32 * full : *number * 8e6;
  if (bits > full)
    throw ConfigError("budget '" + text + "' is more than 32 bits everywhere cost", {}, remedy);
  return whole(bits);
}

}  // namespace

std::int64_t parse_budget(const std::string& text, CostKind kind, std::span<const LayerShape> layers,
                          std::span<const Candidate> weight_candidates,
                          std::span<const Candidate> input_candidates) {
  const Bounds bounds = reachable(kind, layers, weight_candidates, input_candidates);
  const std::int64_t allowed = cost_allowed(text, kind, layers);
  if (allowed < bounds.cheapest)
    throw ConfigError("budget '" + text + "' is below what the cheapest candidates cost", {},
                      "these candidates reach from " + describe(bounds.cheapest, kind, layers) + " to " +
                          describe(bounds.dearest, kind, layers));
  return allowed;
}

}  // namespace bitdarts::quant
