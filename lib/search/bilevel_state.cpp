// The records of the search and what a checkpoint of it holds.
#include <algorithm>
#include <cmath>

#include "quant/bank_file.hpp"
#include "search/bilevel.hpp"
#include "search/statistics.hpp"

namespace bitdarts::search {

template <class Real>
void Bilevel<Real>::log(std::int64_t step, const train::Gradient<Real>& outer, double lambda, double ratio) {
  const auto now = argmax_by_site(bank_);
  double changes = 0;
  for (std::size_t i = 0; i < now.size(); ++i) changes += now[i] != argmax_[i];
  argmax_ = now;
  const double goal = target(step);
  // Choices that stand still while the target still falls are not settled: the cost has yet to bite.
  const bool target_is_budget = std::abs(goal - budget_.target) <= 1e-9 * budget_.target;
  const bool counts = step >= options_.warmup_steps && target_is_budget;
  stable_steps_ = changes > 0 || !counts ? 0 : stable_steps_ + 1;
  const quant::Bank bank = noise_free();
  const ExpectedBits bits = expected_bits(bank);
  metrics_.record("search", {{"step", static_cast<double>(step)},
                             {"outer_loss", outer.loss},
                             {"error", outer.error},
                             {"cost", ratio},
                             {"target", goal},
                             {"violation", goal > 0 ? ratio / goal - 1 : 0.0},
                             {"lambda_cost", lambda},
                             {"lambda_cost_integral", cost_multiplier_.value()},
                             {"lambda_error", error_multiplier_.value()},
                             {"temperature", temperature(step)},
                             {"entropy", mean_entropy(bank)},
                             {"argmax_changes", changes},
                             {"expected_weight_bits", bits.weights},
                             {"expected_input_bits", bits.inputs}});
  const bool due = step % options_.log_every == 0 || step + 1 == options_.steps;
  if (!due) return;
  metrics_.record("alpha_log", {{"step", static_cast<double>(step)}});
  for (const auto& site : bank_.sites) {
    const std::string tail = site.role == quant::Role::weight ? "/weight" : "/input";
    const auto p = bank.probabilities(site);
    const double entropy = site_entropy(bank, site), expected = bank.expected_bits(site);
    for (const std::size_t layer : site.layers) {
      const std::string name = bank_.layers[layer].name + tail;
      metrics_.record_row("probability/" + name, {p.begin(), p.end()});
      metrics_.record_row("entropy/" + name, {entropy});
      metrics_.record_row("bits/" + name, {expected});
    }
  }
}

template <class Real>
void Bilevel<Real>::save_optimisers(store::File& file) const {
  weights_.optimiser().save(file, "weights");
  alpha_adam_.save(file, "alpha");
  theta_adam_.save(file, "quantizers");
  cost_multiplier_.save(file, "cost");
  error_multiplier_.save(file, "error");
}

template <class Real>
void Bilevel<Real>::save(store::File& file) const {
  file.write<Real>("/state/parameters", weights_.values());
  save_optimisers(file);
  quant::save_bank_state(file, bank_);
  std::vector<std::int64_t> argmax(argmax_.begin(), argmax_.end());
  file.write<std::int64_t>("/state/argmax", argmax);
  file.set_attribute("/state", "stable_steps", stable_steps_);
  metrics_.save(file);
}

template <class Real>
void Bilevel<Real>::load(const store::File& file) {
  weights_.load_state(file);
  alpha_adam_.load(file, "alpha");
  theta_adam_.load(file, "quantizers");
  cost_multiplier_.load(file, "cost");
  error_multiplier_.load(file, "error");
  quant::load_bank_state(file, bank_);
  const auto argmax = file.read<std::int64_t>("/state/argmax", {argmax_.size()});
  std::copy(argmax.begin(), argmax.end(), argmax_.begin());
  stable_steps_ = file.required_int("/state", "stable_steps");
  metrics_ = store::Metrics::load(file);
}

template void Bilevel<float>::log(std::int64_t, const train::Gradient<float>&, double, double);
template void Bilevel<double>::log(std::int64_t, const train::Gradient<double>&, double, double);
template void Bilevel<float>::save(store::File&) const;
template void Bilevel<double>::save(store::File&) const;
template void Bilevel<float>::load(const store::File&);
template void Bilevel<double>::load(const store::File&);
template void Bilevel<float>::save_optimisers(store::File&) const;
template void Bilevel<double>::save_optimisers(store::File&) const;

}  // namespace bitdarts::search
