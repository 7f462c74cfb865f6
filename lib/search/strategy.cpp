#include "search/strategy.hpp"

#include <charconv>

#include "core/error.hpp"
#include "search/darts.hpp"
#include "search/fisher.hpp"
#include "search/random_scheme.hpp"
#include "search/sensitivity.hpp"
#include "search/uniform.hpp"

namespace bitdarts::search {

Strategy find_strategy(const std::string& name) {
  if (name == "darts") return find_by_gradient;
  if (name == "sensitivity") return find_by_sensitivity;
  if (name == "fisher") return find_by_fisher;
  if (name == "uniform") return find_uniform;
  const std::string random = "random";
  std::uint64_t number = 1;
  bool known = name == random;
  if (name.starts_with(random + ":")) {
    const char* const end = name.data() + name.size();
    const auto [stop, error] = std::from_chars(name.data() + random.size() + 1, end, number);
    known = error == std::errc{} && stop == end;
  }
  if (!known)
    throw ConfigError("unknown strategy '" + name + "'", "search.strategy",
                      "use darts, sensitivity, fisher, uniform, random or random:N");
  return [number](const Workbench& bench) { return find_at_random(bench, number); };
}

std::vector<quant::Scheme> assign_all(const Problem& problem, const SiteValues& values) {
  std::vector<quant::Scheme> schemes;
  for (const Budget& budget : problem.budgets)
    schemes.push_back(assign(problem.bank, values, budget.kind, budget.capacity));
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
