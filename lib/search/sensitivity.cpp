#include "search/sensitivity.hpp"

#include <cmath>
#include <functional>

#include "comm/interruptible.hpp"
#include "core/error.hpp"
#include "train/finite.hpp"
#include "train/loop.hpp"

namespace bitdarts::search {
namespace {

// One measurement: a candidate of a site, or the network in full precision.
struct Probe {
  std::size_t site = 0, candidate = 0;
  bool full_precision = false;
};

class SensitivityPass : public train::Trainee {
 public:
  explicit SensitivityPass(const Workbench& bench)
      : context_(bench.context), problem_(bench.problem), engine_(bench.engine) {
    probes_.push_back({.full_precision = true});
    const auto& sites = problem_.bank.sites;
    for (std::size_t s = 0; s < sites.size(); ++s)
      for (std::size_t k = 0; k < sites[s].candidates.size(); ++k) probes_.push_back({s, k, false});
    losses_.assign(probes_.size(), 0.0);
  }

  std::int64_t steps() const {
    const auto probes = static_cast<std::int64_t>(probes_.size());
    return (probes + per_step() - 1) / per_step();
  }
  double tokens_per_step() const {
    return static_cast<double>(per_step() * problem_.options.sensitivity_sequences * problem_.shape.context);
  }

  std::vector<Progress::Value> step(std::int64_t step) override {
    const auto first = static_cast<std::size_t>(step * per_step());
    const std::size_t end = std::min(first + static_cast<std::size_t>(per_step()), probes_.size());
    std::vector<double> found(end - first, 0.0);
    const auto ranks = static_cast<std::size_t>(context_.world.size());
    comm::interruptible(context_.world, comm::step_patience(), "interrupted", [&](comm::StopPoll& poll) {
      for (std::size_t i = static_cast<std::size_t>(context_.world.rank()); i < found.size(); i += ranks) {
        poll();
        const double loss = measure(probes_[first + i], poll);
        found[i] = std::isnan(loss) ? INFINITY : loss;  // a maximum over ranks would lose it
      }
    });
    context_.world.max_in_place(found);
    for (std::size_t i = 0; i < found.size(); ++i) {
      require_finite(found[i], probes_[first + i]);
      losses_[first + i] = found[i];
    }
    return {{"loss", found.back()}, {"full precision", losses_.front()}};
  }

  void save(store::File& file) const override { file.write<double>("/state/losses", losses_); }
  void load(const store::File& file) override {
    losses_ = file.read<double>("/state/losses", {losses_.size()});
  }

  SiteValues values() const {
    SiteValues values(problem_.bank.sites.size());
    for (std::size_t i = 1; i < probes_.size(); ++i)
      values[probes_[i].site].push_back(losses_[i] - losses_.front());
    return values;
  }

 private:
  std::int64_t per_step() const { return context_.config.run.shards; }  // at least one for each rank

  double measure(const Probe& probe, comm::StopPoll& poll) {
    const auto sampler = problem_.sampler(problem_.corpus.search, Stream::validation_batch);
    const train::Batch batch{sampler, 0, problem_.options.sensitivity_sequences};
    if (probe.full_precision) return engine_.own_loss(problem_.weights, nullptr, batch, std::ref(poll));
    quant::Scheme scheme;
    for (const auto& layer : problem_.layout.linears) scheme.entries.push_back({layer.name, {}, {}});
    const auto& site = problem_.bank.sites[probe.site];
    const bool is_weight = site.role == quant::Role::weight;
    for (const std::size_t l : site.layers)
      (is_weight ? scheme.entries[l].weight : scheme.entries[l].input) = site.candidates[probe.candidate];
    quant::Bank bank = discrete_bank(problem_, problem_.bank, scheme);
    return engine_.own_loss(problem_.weights, &bank, batch, std::ref(poll));
  }

  void require_finite(double loss, const Probe& probe) const {
    if (std::isfinite(loss)) return;
    const auto& site = problem_.bank.sites[probe.site];
    const std::string where = probe.full_precision ? "search, full precision"
                                                   : "search, " + train::label_of(site) + " at " +
                                                         quant::to_string(site.candidates[probe.candidate]);
    throw Error("the loss on the search part is not a finite number", where,
                "leave the candidate out, or pretrain with a lower learning rate");
  }

  const stage::Context& context_;
  const Problem& problem_;
  train::Engine<float>& engine_;
  std::vector<Probe> probes_;
  std::vector<double> losses_;  // by probe
};

}  // namespace

Findings find_by_sensitivity(const Workbench& bench) {
  SensitivityPass pass(bench);
  Findings findings = untrained(bench.problem);
  findings.steps = train::run_loop(bench.context, bench.run, pass,
                                   {.what = "sensitivity",
                                    .steps = pass.steps(),
                                    .tokens_per_step = pass.tokens_per_step(),
                                    .more_follows = true});
  findings.values.assign(
      bench.problem.budgets.size(),
      after_recovery(bench.problem.bank, pass.values(), config::weight_recovery(bench.problem.options)));
  findings.schemes = assign_all(bench.problem, findings.values.front());
  return findings;
}

}  // namespace bitdarts::search
