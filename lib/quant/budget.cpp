// Budgets as users write them, and what they allow.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "config/syntax.hpp"
#include "core/error.hpp"
#include "quant/budget.hpp"
#include "quant/methods/table.hpp"

namespace bitdarts::quant {
namespace {

struct Bounds {
  std::int64_t cheapest = 0, dearest = 0;
};

Bounds reachable(const Cost& cost, std::span<const LayerShape> layers, std::span<const Candidate> weights,
                 std::span<const Candidate> inputs) {
  if (layers.empty() || weights.empty() || inputs.empty())
    throw Error("a budget needs layers and candidates for weights and inputs");
  const auto [a_low, a_high] = std::ranges::minmax_element(
      inputs, {}, [&](const Candidate& input) { return input_units(cost, input); });
  Bounds bounds;
  for (const auto& layer : layers) {
    const auto [w_low, w_high] = std::ranges::minmax_element(
        weights, {}, [&](const Candidate& weight) { return weight_units(cost, layer, weight); });
    bounds.cheapest += layer_cost(cost, layer, *w_low, *a_low);
    bounds.dearest += layer_cost(cost, layer, *w_high, *a_high);
  }
  return bounds;
}

std::string shortest(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.6g", value);
  return buffer;
}

std::string describe(std::int64_t units, const Cost& cost, std::span<const LayerShape> layers) {
  const double full = static_cast<double>(full_cost(cost, layers));
  const double ratio = static_cast<double>(units) / full;
  std::string text = shortest(100 * ratio) + "%";
  if (cost.kind == CostKind::size)
    text += " = " + shortest(32 * ratio) + "bits = " + shortest(static_cast<double>(units) / 8e6) + "MB";
  return text;
}

// Of the methods at these widths the dearest: which one a uniform scheme has is not said.
std::int64_t uniform_cost(const Cost& cost, std::span<const LayerShape> layers,
                          const config::BudgetSyntax& budget) {
  const auto dearest = [](std::int64_t bits) {
    Candidate candidate;
    for (const auto& row : Methods::rows)
      if (bits < 32 && has_codes(row) &&
          (!has_codes(candidate) || input_numbers(row) > input_numbers(traits(candidate.method))))
        candidate = {row.method, static_cast<int>(bits)};
    return candidate;
  };
  std::int64_t sum = 0;
  for (const auto& layer : layers)
    sum += layer_cost(cost, layer, dearest(budget.weight), dearest(budget.activation));
  return sum;
}

std::int64_t cost_allowed(const std::string& text, const std::string& where, const Cost& cost,
                          std::span<const LayerShape> layers) {
  using Syntax = config::BudgetSyntax;
  const auto budget = config::read_budget(text);
  if (!budget || budget->kind == Syntax::Kind::none)
    throw ConfigError("'" + text + "' " + config::budget_complaint(text), where);
  if (budget->kind == Syntax::Kind::uniform_scheme) return uniform_cost(cost, layers, *budget);
  const bool weights_alone = budget->kind != Syntax::Kind::ratio;
  if (weights_alone && cost.kind != CostKind::size)
    throw ConfigError("the budget speaks of weights alone, but cost=bops counts inputs too", where,
                      "set search.cost=size, or write the budget as w4a8 or as a percentage");
  const double full = static_cast<double>(full_cost(cost, layers));
  const double allowed = budget->kind == Syntax::Kind::ratio         ? budget->value * full
                         : budget->kind == Syntax::Kind::weight_bits ? budget->value / 32 * full
                                                                     : budget->value * 8e6;
  const double most = static_cast<double>(largest_cost(cost, layers));  // whatever a budget allows
  return static_cast<std::int64_t>(std::floor(std::min(allowed, most)));
}

}  // namespace

Budget parse_budget(const std::string& text, const Cost& cost, std::span<const LayerShape> layers,
                    std::span<const Candidate> weight_candidates,
                    std::span<const Candidate> input_candidates) {
  const std::string where = "search.budget = " + text;
  const Bounds bounds = reachable(cost, layers, weight_candidates, input_candidates);
  const std::string range = "the candidates reach from " + describe(bounds.cheapest, cost, layers) + " to " +
                            describe(bounds.dearest, cost, layers);
  const std::int64_t capacity = cost_allowed(text, where, cost, layers);
  if (capacity < bounds.cheapest)
    throw ConfigError("the budget is below what the cheapest candidates cost" +
                          std::string(cost.kind == CostKind::size ? ", scales and offsets included" : ""),
                      where, range);
  return {.cost = cost,
          .text = text,
          .capacity = capacity,
          .target = static_cast<double>(capacity) / static_cast<double>(full_cost(cost, layers)),
          .reach = capacity >= bounds.dearest ? range : ""};
}

std::vector<Budget> parse_budgets(const config::SearchOptions& options,
                                  const config::QuantizerOptions& quantizer,
                                  std::span<const LayerShape> layers) {
  const Cost cost = cost_of(options, quantizer);
  const auto weights = parse_candidates(options.weight_candidates),
             inputs = parse_candidates(options.activation_candidates);
  std::vector<Budget> budgets;
  for (const std::string& text : options.budget)
    budgets.push_back(parse_budget(text, cost, layers, weights, inputs));
  if (budgets.empty()) budgets.push_back({.cost = cost});
  return budgets;
}

}  // namespace bitdarts::quant
