// From the sums of a pass over the elements to the gradients of α and θ (METHOD sections 3 and 4).
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.hpp"
#include "quant/bank.hpp"

namespace bitdarts::quant {
namespace {

constexpr double error_epsilon = 1e-12;   // ε of e_j: an all-zero tensor has error 0, not NaN
constexpr double smallest_range = 1e-12;  // steps and clips stay positive
constexpr std::size_t numbers_per_candidate = 6;

double total_square(std::span<const MixedSums> sums) {
  double square = 0, count = 0;
  for (const auto& part : sums) {
    square += part.square;
    count += part.count;
  }
  return std::max(square + error_epsilon * count,
                  std::numeric_limits<double>::min());  // no pass over the site: 0, not NaN
}

// What a sum of squared errors is divided by.
double error_unit(std::span<const MixedSums> sums, const SiteObjective& objective) {
  return objective.measure == ErrorMeasure::fisher ? 2.0 / objective.tokens : total_square(sums);
}

template <class Field>
std::vector<double> over_channels(const Site& site, std::span<const MixedSums> sums, Field field) {
  std::vector<double> total(site.candidates.size(), 0.0);
  for (const auto& part : sums) {
    for (std::size_t j = 0; j < total.size(); ++j) total[j] += field(part.candidates[j]);
  }
  return total;
}

}  // namespace

void add_softmax_gradient(std::span<const double> p, std::span<const double> values, double temperature,
                          double weight, std::span<double> gradient) {
  double mean = 0;
  for (std::size_t j = 0; j < p.size(); ++j) mean += p[j] * values[j];
  for (std::size_t k = 0; k < p.size(); ++k) gradient[k] += weight * p[k] / temperature * (values[k] - mean);
}

std::vector<double> candidate_errors(const Site& site, std::span<const MixedSums> sums,
                                     const SiteObjective& objective) {
  auto errors = over_channels(site, sums, [](const CandidateSums& s) { return s.squared_error; });
  const double unit = error_unit(sums, objective);
  for (auto& error : errors) error /= unit;
  return errors;
}

double expected_error(const Bank& bank, const Site& site, std::span<const MixedSums> sums,
                      const SiteObjective& objective) {
  const auto squared = over_channels(site, sums, [](const CandidateSums& s) { return s.squared_error; });
  const auto p = bank.probabilities(site);
  double error = 0;
  for (std::size_t j = 0; j < p.size(); ++j) error += p[j] * squared[j];
  return error / error_unit(sums, objective);
}

void add_site_gradients(const Bank& bank, const Site& site, std::span<const MixedSums> sums,
                        const SiteObjective& objective, std::span<double> alpha_gradient,
                        std::span<double> theta_gradient) {
  const auto p = bank.probabilities(site);
  const auto alpha_part = alpha_gradient.subspan(site.alpha, p.size());
  if (objective.task_gradient) {
    const auto task = over_channels(site, sums, [](const CandidateSums& s) { return s.gradient_quantized; });
    add_softmax_gradient(p, task, objective.temperature, 1.0, alpha_part);
  }
  const auto errors = candidate_errors(site, sums, objective);
  add_softmax_gradient(p, errors, objective.temperature, objective.error_multiplier, alpha_part);

  const double task_weight = objective.task_gradient ? 1.0 : 0.0;
  const double error_factor = 2.0 * objective.error_multiplier / error_unit(sums, objective);
  for (std::size_t j = 0; j < p.size(); ++j) {
    const Candidate& candidate = site.candidates[j];
    const MethodTraits& method = traits(candidate.method);
    if (!is_trained(method.range)) continue;
    const double scale =
        method.range == Range::step ? 1.0 / std::sqrt(site.elements * largest_code(candidate)) : 1.0;
    double offset_sum = 0;
    for (std::int64_t c = 0; c < site.channels; ++c) {
      const CandidateSums& s = sums[static_cast<std::size_t>(c)].candidates[j];
      const std::size_t at = site.range_at(j, c);
      theta_gradient[at] += scale * p[j] * (task_weight * s.gradient_range + error_factor * s.error_range);
      if (method.range == Range::clip) theta_gradient[at] += 2.0 * objective.clip_decay * bank.theta[at];
      offset_sum += task_weight * s.gradient_offset + error_factor * s.error_offset;
    }
    if (method.input_offset && site.role == Role::input)
      theta_gradient[site.offset + j] += scale * p[j] * offset_sum;
  }
}

std::vector<std::uint8_t> trained_theta(const Bank& bank) {
  std::vector<std::uint8_t> trained(bank.theta.size(), 0);
  for (const auto& site : bank.sites) {
    for (std::size_t j = 0; j < site.candidates.size(); ++j) {
      const MethodTraits& method = traits(site.candidates[j].method);
      for (std::int64_t c = 0; c < site.channels; ++c)
        trained[site.range_at(j, c)] = is_trained(method.range);
      if (method.input_offset && site.role == Role::input) trained[site.offset + j] = 1;
    }
  }
  return trained;
}

std::vector<double> theta_scale(const Bank& bank) {
  std::vector<double> scale(bank.theta.size(), 1.0);
  for (const auto& site : bank.sites) {
    for (std::size_t j = 0; j < site.candidates.size(); ++j) {
      for (std::int64_t c = 0; c < site.channels; ++c)
        scale[site.range_at(j, c)] = bank.theta[site.range_at(j, c)];
      if (traits(site.candidates[j].method).input_offset) {
        scale[site.offset + j] = bank.theta[site.range_at(j, 0)] * largest_code(site.candidates[j]);
      }
    }
  }
  return scale;
}

void project_theta(Bank& bank) {
  for (const auto& site : bank.sites) {
    const std::size_t ranges = site.candidates.size() * static_cast<std::size_t>(site.channels);
    for (std::size_t i = site.range; i < site.range + ranges; ++i)
      bank.theta[i] = std::max(bank.theta[i], smallest_range);
  }
}

std::size_t packed_sums_size(const Bank& bank) {
  std::size_t size = 0;
  for (const auto& site : bank.sites) {
    if (site.role == Role::input) size += site.candidates.size() * numbers_per_candidate + 2;
  }
  return size;
}

void pack_sums(const Bank& bank, std::span<const MixedSums> by_site, std::span<double> flat) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < bank.sites.size(); ++i) {
    if (bank.sites[i].role != Role::input) continue;
    const MixedSums& sums = by_site[i];
    for (const auto& s : sums.candidates) {
      for (const double value : {s.gradient_quantized, s.squared_error, s.gradient_range, s.error_range,
                                 s.gradient_offset, s.error_offset}) {
        flat[at++] = value;
      }
    }
    flat[at++] = sums.square;
    flat[at++] = sums.count;
  }
}

std::vector<MixedSums> unpack_sums(const Bank& bank, std::span<const double> flat) {
  std::vector<MixedSums> by_site(bank.sites.size());
  std::size_t at = 0;
  for (std::size_t i = 0; i < bank.sites.size(); ++i) {
    if (bank.sites[i].role != Role::input) continue;
    MixedSums& sums = by_site[i];
    sums.candidates.resize(bank.sites[i].candidates.size());
    for (auto& s : sums.candidates) {
      s = {flat[at], flat[at + 1], flat[at + 2], flat[at + 3], flat[at + 4], flat[at + 5]};
      at += numbers_per_candidate;
    }
    sums.square = flat[at++];
    sums.count = flat[at++];
  }
  return by_site;
}

}  // namespace bitdarts::quant
