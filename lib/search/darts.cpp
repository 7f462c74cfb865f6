#include "search/darts.hpp"

#include <cmath>
#include <cstdio>

#include "search/bilevel.hpp"
#include "train/loop.hpp"

namespace bitdarts::search {
namespace {

std::string reached_in_words(const Budget& budget, double reached) {
  char text[200];
  std::snprintf(text, sizeof text, "search: expected cost %.3f%% against a budget of %.3f%% (%+.2f%%)",
                100 * reached, 100 * budget.target, 100 * (reached / budget.target - 1));
  return text;
}

}  // namespace

Findings find_by_gradient(const Workbench& bench) {
  const Problem& problem = bench.problem;
  const auto& options = problem.options;
  const auto outer = problem.sampler(problem.corpus.search, Stream::outer_batch),
             inner = problem.sampler(problem.corpus.train, Stream::inner_batch);
  // The search keeps the last reference to itself: the product wants its optimisers.
  const auto search = std::make_shared<Bilevel<float>>(options, problem.quantizer.clip_decay, problem.seed,
                                                       bench.engine, problem.layout, problem.weights,
                                                       problem.bank, problem.budgets, Levels{outer, inner});
  const double levels = options.weights == "trained" || options.quantizer_level == "inner" ? 2 : 1;
  const std::int64_t steps =
      train::run_loop(bench.context, bench.run, *search,
                      {.what = "search",
                       .steps = search->steps(),
                       .tokens_per_step = levels * static_cast<double>(options.batch * problem.shape.context),
                       .more_follows = true});
  search->settle(steps);

  Findings findings = untrained(problem);
  const auto weights = search->weights().values();
  findings.weights.assign(weights.begin(), weights.end());
  findings.bank = search->bank();
  findings.steps = steps;
  findings.values = search->values();
  findings.expected_costs = search->reached();
  for (std::size_t b = 0; b < problem.budgets.size(); ++b) {
    const Budget& budget = problem.budgets[b];
    findings.schemes.push_back(assign(problem.bank, findings.values[b], budget.cost, budget.capacity,
                                      budget.capacity ? 0.0 : search->cost_price()));
    if (!budget.capacity) continue;
    if (!findings.summary.empty()) findings.summary += '\n';
    findings.summary += reached_in_words(budget, search->reached()[b]);
    constexpr double tolerance = 0.02;
    const bool follows = budget.binding() && options.cost_mode == "dual";
    if (follows && std::abs(search->reached()[b] / budget.target - 1) > tolerance) {
      bench.context.console.warn(
          "the expected cost was more than 2 % off the budget " + budget.text +
          " when its scheme was assigned: give the search more steps (search.steps); below the budget it may "
          "also be that the candidates cannot, or need not, spend it");
    }
  }
  findings.save_records = [search](store::File& file) {
    search->save_optimisers(file);
    search->metrics().save(file);
  };
  return findings;
}

}  // namespace bitdarts::search
