#include "search/fisher.hpp"

#include <algorithm>

#include "comm/stop.hpp"
#include "core/error.hpp"
#include "quant/bank_file.hpp"
#include "train/finite.hpp"

namespace bitdarts::search {
namespace {

constexpr quant::Candidate full_precision{};

// The candidates of a site with full precision among them, which gets all the probability: the pass then sees
// the network as it was pretrained, and every candidate's error beside it.
std::vector<quant::Candidate> with_full_precision(std::vector<quant::Candidate> candidates) {
  if (std::find(candidates.begin(), candidates.end(), full_precision) == candidates.end())
    candidates.push_back(full_precision);
  return candidates;
}

quant::Bank full_precision_bank(const Problem& problem) {
  const auto& options = problem.options;
  quant::Bank bank = quant::make_search_bank(
      problem.layout.linears, with_full_precision(quant::parse_candidates(options.weight_candidates)),
      with_full_precision(quant::parse_candidates(options.activation_candidates)), bank_options(problem));
  quant::transfer_ranges(problem.bank, bank);
  for (const auto& site : bank.sites)
    for (std::size_t k = 0; k < site.candidates.size(); ++k)
      bank.probability[site.alpha + k] = site.candidates[k] == full_precision ? 1.0 : 0.0;
  return bank;
}

}  // namespace

Findings find_by_fisher(const Workbench& bench) {
  const Problem& problem = bench.problem;
  quant::Bank bank = full_precision_bank(problem);
  const auto sampler = problem.sampler(problem.corpus.search, Stream::outer_batch);
  SiteValues values;
  for (const auto& site : problem.bank.sites) values.emplace_back(site.candidates.size(), 0.0);
  const std::int64_t batches = problem.options.fisher_batches;
  for (std::int64_t b = 0; b < batches; ++b) {
    comm::stop_if_overdue(bench.context.world);  // a pass by itself looks for a stop only where it is slow
    const auto pass = bench.engine.gradient(
        problem.weights, &bank, {sampler, b, problem.options.batch},
        {.wanted = train::Wanted::architecture, .error_measure = quant::ErrorMeasure::fisher});
    train::require_finite(pass.loss, "the loss", b, "search, full precision");
    for (std::size_t s = 0; s < values.size(); ++s)
      for (std::size_t k = 0; k < values[s].size(); ++k)
        values[s][k] += pass.candidate_errors[s][k] / static_cast<double>(batches);
  }
  Findings findings = untrained(problem);
  findings.steps = batches;
  values = after_recovery(problem.bank, std::move(values), config::weight_recovery(problem.options));
  findings.schemes = assign_all(problem, values);
  findings.values.assign(problem.budgets.size(), std::move(values));
  return findings;
}

}  // namespace bitdarts::search
