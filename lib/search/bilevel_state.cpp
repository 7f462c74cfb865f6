// The records of the search and what a checkpoint of it holds.
#include <algorithm>
#include <cmath>

#include "config/scheme_word.hpp"
#include "quant/bank_file.hpp"
#include "search/bilevel.hpp"
#include "search/statistics.hpp"

namespace bitdarts::search {
namespace {

constexpr double error_memory = 0.95;

// -log of the probability of a candidate's width, for methods that share a width share its probability and
// would each lose against a rarer width that has but one; and a little more the less probable the method is.
std::vector<double> values_by_width(const quant::Bank& bank, const quant::Site& site) {
  constexpr double least = 1e-300, share_of_method = 1e-6;
  const auto p = bank.noise_free_probabilities(site);
  std::vector<double> values;
  for (const auto& candidate : site.candidates) {
    double width = 0;
    for (std::size_t k = 0; k < p.size(); ++k)
      if (site.candidates[k].bits == candidate.bits) width += p[k];
    values.push_back(-std::log(std::max(width, least)));
  }
  for (std::size_t k = 0; k < p.size(); ++k) values[k] -= share_of_method * std::log(std::max(p[k], least));
  return values;
}

std::vector<double> flat(const SiteValues& values) {
  std::vector<double> all;
  for (const auto& of_site : values) all.insert(all.end(), of_site.begin(), of_site.end());
  return all;
}

SiteValues read_values(const store::File& file, const std::string& dataset, SiteValues shape) {
  const auto all = file.read<double>(dataset, {flat(shape).size()});
  auto next = all.begin();
  for (auto& of_site : shape)
    for (double& value : of_site) value = *next++;
  return shape;
}

}  // namespace

template <class Real>
void Bilevel<Real>::log(std::int64_t step, const train::Gradient<Real>& outer, double lambda, double ratio) {
  const auto now = argmax_by_site(bank_);
  double changes = 0;
  for (std::size_t i = 0; i < now.size(); ++i) changes += now[i] != argmax_[i];
  argmax_ = now;
  const double now_allowed = target(step);
  // Choices that stand still while the target still falls are not settled: the cost has yet to bite.
  const bool counts = step >= options_.warmup_steps && schedule_.at_last(step);
  stable_steps_ = changes > 0 || !counts ? 0 : stable_steps_ + 1;
  const ExpectedBits bits = expected_bits(bank_);
  metrics_.record("search", {{"step", static_cast<double>(step)},
                             {"outer_loss", outer.loss},
                             {"error", outer.error},
                             {"cost", ratio},
                             {"target", now_allowed},
                             {"violation", now_allowed > 0 ? ratio / now_allowed - 1 : 0.0},
                             {"lambda_cost", lambda},
                             {"lambda_cost_integral", cost_multiplier_.value()},
                             {"lambda_error", error_multiplier_.value()},
                             {"temperature", temperature(step)},
                             {"entropy", mean_entropy(bank_)},
                             {"argmax_changes", changes},
                             {"expected_weight_bits", bits.weights},
                             {"expected_input_bits", bits.inputs}});
  const bool due = step % options_.log_every == 0 || step + 1 == steps();
  if (!due) return;
  metrics_.record("alpha_log", {{"step", static_cast<double>(step)}});
  for (const auto& site : bank_.sites) {
    const std::string tail = site.role == quant::Role::weight ? "/weight" : "/input";
    const auto p = bank_.noise_free_probabilities(site);
    const double entropy = site_entropy(bank_, site), expected = bank_.expected_bits(site);
    for (const std::size_t layer : site.layers) {
      const std::string name = bank_.layers[layer].name + tail;
      metrics_.record_row("probability/" + name, {p.begin(), p.end()});
      metrics_.record_row("entropy/" + name, {entropy});
      metrics_.record_row("bits/" + name, {expected});
    }
  }
}

template <class Real>
void Bilevel<Real>::observe_errors(const train::Gradient<Real>& outer) {
  errors_weight_ = error_memory * errors_weight_ + (1 - error_memory);
  for (std::size_t s = 0; s < errors_.size(); ++s)
    for (std::size_t k = 0; k < errors_[s].size(); ++k)
      errors_[s][k] = error_memory * errors_[s][k] + (1 - error_memory) * outer.candidate_errors[s][k];
}

template <class Real>
SiteValues Bilevel<Real>::values_of_now() const {
  SiteValues values = errors_;
  if (measure() == quant::ErrorMeasure::fisher && errors_weight_ > 0) {
    for (auto& of_site : values)
      for (double& value : of_site) value /= errors_weight_;
    return after_recovery(bank_, std::move(values), config::weight_recovery(options_));
  }
  for (std::size_t s = 0; s < values.size(); ++s) values[s] = values_by_width(bank_, bank_.sites[s]);
  return values;
}

template <class Real>
void Bilevel<Real>::keep_values(std::size_t budget) {
  values_[budget] = values_of_now();
  reached_[budget] = expected_ratio();
}

template <class Real>
void Bilevel<Real>::save_optimisers(store::File& file) const {
  if (trains_weights()) weights_.optimiser().save(file, "weights");
  alpha_adam_.save(file, "alpha");
  quantizers_.save(file);
  cost_multiplier_.save(file, "cost");
  error_multiplier_.save(file, "error");
}

template <class Real>
void Bilevel<Real>::save(store::File& file) const {
  if (trains_weights()) file.write<Real>("/state/parameters", weights_.values());
  save_optimisers(file);
  quant::save_bank_state(file, bank_);
  std::vector<std::int64_t> argmax(argmax_.begin(), argmax_.end());
  file.write<std::int64_t>("/state/argmax", argmax);
  file.set_attribute("/state", "stable_steps", stable_steps_);
  file.set_attribute("/state", "errors_weight", errors_weight_);
  if (last_error_) file.set_attribute("/state", "last_error", *last_error_);
  file.write<double>("/state/errors", flat(errors_));
  file.write<double>("/state/reached", reached_);
  for (std::size_t b = 0; b < values_.size(); ++b)
    if (!values_[b].empty()) file.write<double>("/state/values/" + std::to_string(b), flat(values_[b]));
  metrics_.save(file);
}

template <class Real>
void Bilevel<Real>::load(const store::File& file) {
  if (trains_weights()) weights_.load_state(file);
  alpha_adam_.load(file, "alpha");
  quantizers_.load(file);
  cost_multiplier_.load(file, "cost");
  error_multiplier_.load(file, "error");
  quant::load_bank_state(file, bank_);
  const auto argmax = file.read<std::int64_t>("/state/argmax", {argmax_.size()});
  std::copy(argmax.begin(), argmax.end(), argmax_.begin());
  stable_steps_ = file.required_int("/state", "stable_steps");
  errors_weight_ = file.required_double("/state", "errors_weight");
  last_error_ = file.double_attribute("/state", "last_error");
  errors_ = read_values(file, "/state/errors", errors_);
  reached_ = file.read<double>("/state/reached", {reached_.size()});
  for (std::size_t b = 0; b < values_.size(); ++b) {
    const std::string dataset = "/state/values/" + std::to_string(b);
    if (file.has(dataset)) values_[b] = read_values(file, dataset, errors_);
  }
  metrics_ = store::Metrics::load(file);
}

template void Bilevel<float>::log(std::int64_t, const train::Gradient<float>&, double, double);
template void Bilevel<double>::log(std::int64_t, const train::Gradient<double>&, double, double);
template void Bilevel<float>::observe_errors(const train::Gradient<float>&);
template void Bilevel<double>::observe_errors(const train::Gradient<double>&);
template void Bilevel<float>::keep_values(std::size_t);
template void Bilevel<double>::keep_values(std::size_t);
template void Bilevel<float>::save(store::File&) const;
template void Bilevel<double>::save(store::File&) const;
template void Bilevel<float>::load(const store::File&);
template void Bilevel<double>::load(const store::File&);
template void Bilevel<float>::save_optimisers(store::File&) const;
template void Bilevel<double>::save_optimisers(store::File&) const;

}  // namespace bitdarts::search
