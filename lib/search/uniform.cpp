#include "search/uniform.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/error.hpp"

namespace bitdarts::search {
namespace {

using Pair = std::pair<quant::Candidate, quant::Candidate>;  // weight, input

std::vector<Pair> widest_within(const Problem& problem, const Budget& budget) {
  const auto& layers = problem.layout.linears;
  std::vector<Pair> within;
  for (const auto& weight : quant::parse_candidates(problem.options.weight_candidates)) {
    for (const auto& input : quant::parse_candidates(problem.options.activation_candidates)) {
      std::int64_t cost = 0;
      for (const auto& layer : layers) cost += quant::layer_cost(budget.cost, layer, weight, input);
      if (!budget.capacity || cost <= *budget.capacity) within.emplace_back(weight, input);
    }
  }
  if (within.empty())
    throw ConfigError("no uniform scheme of the candidates is within the budget",
                      "search.budget = " + budget.text, "raise the budget or add narrower candidates");
  const auto exceeded = [&](const Pair& pair) {
    return std::any_of(within.begin(), within.end(), [&](const Pair& other) {
      return other.first.bits >= pair.first.bits && other.second.bits >= pair.second.bits &&
             (other.first.bits > pair.first.bits || other.second.bits > pair.second.bits);
    });
  };
  std::vector<Pair> widest;
  for (const Pair& pair : within)
    if (!exceeded(pair)) widest.push_back(pair);
  return widest;
}

quant::Scheme scheme_with(const Problem& problem, const Pair& pair) {
  quant::Scheme scheme;
  for (const auto& layer : problem.layout.linears)
    scheme.entries.push_back({layer.name, pair.first, pair.second});
  return scheme;
}

}  // namespace

Findings find_uniform(const Workbench& bench) {
  const Problem& problem = bench.problem;
  std::map<std::string, double> losses;  // budgets may share pairs
  const auto loss_of = [&](const Pair& pair) {
    const auto [at, fresh] =
        losses.try_emplace(quant::to_string(pair.first) + " " + quant::to_string(pair.second), 0.0);
    if (fresh) {
      quant::Bank bank = discrete_bank(problem, problem.bank, scheme_with(problem, pair));
      const double loss = measured_loss(problem, bench.engine, problem.weights, &bank);
      at->second = std::isfinite(loss) ? loss : INFINITY;
    }
    return at->second;
  };
  Findings findings = untrained(problem);
  for (const Budget& budget : problem.budgets) {
    const auto pairs = widest_within(problem, budget);
    const auto best = std::min_element(pairs.begin(), pairs.end(),
                                       [&](const Pair& a, const Pair& b) { return loss_of(a) < loss_of(b); });
    findings.schemes.push_back(scheme_with(problem, *best));
  }
  findings.steps = static_cast<std::int64_t>(losses.size());
  return findings;
}

}  // namespace bitdarts::search
