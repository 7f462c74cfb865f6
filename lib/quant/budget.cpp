// Budgets as users write them, and what they allow.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "config/syntax.hpp"
#include "core/error.hpp"
#include "quant/cost.hpp"

namespace bitdarts::quant {
namespace {

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

std::int64_t uniform_cost(CostKind kind, std::span<const LayerShape> layers,
                          const config::BudgetSyntax& budget) {
  std::int64_t cost = 0;
  for (const auto& layer : layers)
    cost += layer_cost(kind, layer, static_cast<int>(budget.weight), static_cast<int>(budget.activation));
  return cost;
}

std::int64_t cost_allowed(const std::string& text, const std::string& where, CostKind kind,
                          std::span<const LayerShape> layers) {
  using Syntax = config::BudgetSyntax;
  const auto budget = config::read_budget(text);
  if (!budget || budget->kind == Syntax::Kind::none)
    throw ConfigError("'" + text + "' " + config::budget_complaint(text), where);
  if (budget->kind == Syntax::Kind::uniform_scheme) return uniform_cost(kind, layers, *budget);
  const bool weights_alone = budget->kind != Syntax::Kind::ratio;
  if (weights_alone && kind != CostKind::size)
    throw ConfigError("the budget speaks of weights alone, but cost=bops counts inputs too", where,
                      "set search.cost=size, or write the budget as w4a8 or as a percentage");
  const double full = static_cast<double>(full_cost(kind, layers));
  const double cost = budget->kind == Syntax::Kind::ratio         ? budget->value * full
                      : budget->kind == Syntax::Kind::weight_bits ? budget->value / 32 * full
                                                                  : budget->value * 8e6;
  // Float formats have no more than 32 bits, whatever a budget allows.
  return static_cast<std::int64_t>(std::floor(std::min(cost, full)));
}

}  // namespace

Capacity parse_budget(const std::string& text, CostKind kind, std::span<const LayerShape> layers,
                      std::span<const Candidate> weight_candidates,
                      std::span<const Candidate> input_candidates) {
  const std::string where = "search.budget = " + text;
  const Bounds bounds = reachable(kind, layers, weight_candidates, input_candidates);
  const std::string range = "the candidates reach from " + describe(bounds.cheapest, kind, layers) + " to " +
                            describe(bounds.dearest, kind, layers);
  Capacity capacity{cost_allowed(text, where, kind, layers)};
  if (capacity.most < bounds.cheapest)
    throw ConfigError("the budget is below what the cheapest candidates cost", where, range);
  if (capacity.most >= bounds.dearest) capacity.reach = range;
  return capacity;
}

}  // namespace bitdarts::quant
