#include "search/strategy.hpp"

#include "search/darts.hpp"
#include "search/fisher.hpp"
#include "search/random_scheme.hpp"
#include "search/sensitivity.hpp"
#include "search/uniform.hpp"

namespace bitdarts::search {

Strategy find_strategy(const config::Strategy& strategy) {
  using Kind = config::Strategy::Kind;
  switch (strategy.kind) {
    case Kind::darts:
      return find_by_gradient;
    case Kind::sensitivity:
      return find_by_sensitivity;
    case Kind::fisher:
      return find_by_fisher;
    case Kind::uniform:
      return find_uniform;
    case Kind::random:
      break;
  }
  const auto number = static_cast<std::uint64_t>(strategy.number);
  return [number](const Workbench& bench) { return find_at_random(bench, number); };
}

std::vector<quant::Scheme> assign_all(const Problem& problem, const SiteValues& values) {
  std::vector<quant::Scheme> schemes;
  for (const Budget& budget : problem.budgets)
    schemes.push_back(assign(problem.bank, values, budget.cost, budget.capacity));
  return schemes;
}

Findings untrained(const Problem& problem) {
  return {.schemes = {},
          .values = {},
          .weights = problem.weights,
          .bank = problem.bank,
          .expected_costs = {},
          .steps = 0,
          .save_records = {},
          .summary = {}};
}

}  // namespace bitdarts::search
