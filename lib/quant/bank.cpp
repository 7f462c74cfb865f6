#include "quant/bank.hpp"

#include <algorithm>
#include <cmath>
#include <exception>
#include <map>

#include "core/error.hpp"
#include "quant/initialise.hpp"

namespace bitdarts::quant {
namespace {

// Layers that have a choice, or a quantizer of the input, in common have equal text.
std::string group_of(const LayerShape& layer, bool shares) {
  return shares && !layer.reads.empty() ? layer.reads : layer.name;
}

bool is_measured(const Candidate& candidate) { return traits(candidate.method).range == Range::maximum; }

struct Builder {
  Bank bank;

  Site& add_site(const std::string& name, Role role, std::vector<Candidate> candidates, std::int64_t channels,
                 double elements, std::size_t alpha) {
    Site site{.name = name,
              .role = role,
              .candidates = std::move(candidates),
              .channels = channels,
              .elements = elements,
              .alpha = alpha,
              .range = bank.theta.size(),
              .offset = 0,
              .layers = {}};
    const std::size_t n = site.candidates.size();
    site.offset = site.range + n * static_cast<std::size_t>(channels);
    bank.theta.resize(site.offset + n, 0.0);
    std::fill_n(bank.theta.begin() + static_cast<std::ptrdiff_t>(site.range),
                n * static_cast<std::size_t>(channels), 1.0);
    bank.sites.push_back(std::move(site));
    return bank.sites.back();
  }

  std::size_t new_alpha(std::size_t n) {
    const std::size_t at = bank.alpha.size();
    bank.alpha.resize(at + n, 0.0);
    return at;
  }
};

// `choice(layer, role)`: the candidates of a site. `group(layer, role)`: layers with equal text share.
template <class Choice, class Group>
Bank build(std::vector<LayerShape> layers, const BankOptions& options, Choice choice, Group group) {
  Builder builder;
  builder.bank.layers = std::move(layers);
  const auto& shapes = builder.bank.layers;
  std::map<std::string, std::size_t> alpha_of_group;
  for (std::size_t l = 0; l < shapes.size(); ++l) {
    auto candidates = choice(l, Role::weight);
    const auto [at, fresh] = alpha_of_group.try_emplace(group(l, Role::weight), 0);
    if (fresh) at->second = builder.new_alpha(candidates.size());
    const std::int64_t channels = options.per_channel ? shapes[l].out_features : 1;
    const double elements = static_cast<double>(shapes[l].parameters()) / static_cast<double>(channels);
    builder.add_site(shapes[l].name, Role::weight, std::move(candidates), channels, elements, at->second)
        .layers = {l};
    builder.bank.weight_site.push_back(builder.bank.sites.size() - 1);
  }
  std::map<std::string, std::size_t> site_of_group;
  for (std::size_t l = 0; l < shapes.size(); ++l) {
    const auto [at, fresh] = site_of_group.try_emplace(group(l, Role::input), builder.bank.sites.size());
    if (fresh) {
      auto candidates = choice(l, Role::input);
      const std::size_t alpha = builder.new_alpha(candidates.size());
      const double elements = static_cast<double>(shapes[l].in_features * options.context);
      builder.add_site(shapes[l].name, Role::input, std::move(candidates), 1, elements, alpha);
    }
    builder.bank.sites[at->second].layers.push_back(l);
    builder.bank.input_site.push_back(at->second);
  }
  builder.bank.noise_free.resize(builder.bank.alpha.size());
  update_probabilities(builder.bank, 1.0);
  return std::move(builder.bank);
}

}  // namespace

double Bank::expected_bits(const Site& site) const {
  const auto p = noise_free_probabilities(site);
  double bits = 0;
  for (std::size_t j = 0; j < p.size(); ++j) bits += p[j] * site.candidates[j].bits;
  return bits;
}

Bank make_search_bank(std::vector<LayerShape> layers, const std::vector<Candidate>& weights,
                      const std::vector<Candidate>& inputs, const BankOptions& options) {
  std::vector<std::string> groups;
  for (const auto& layer : layers) groups.push_back(group_of(layer, options.tie_shared_input));
  const auto choice = [&](std::size_t, Role role) { return role == Role::weight ? weights : inputs; };
  const auto group = [&](std::size_t l, Role) { return groups[l]; };
  return build(std::move(layers), options, choice, group);
}

Bank make_scheme_bank(std::vector<LayerShape> layers, const Scheme& scheme, const BankOptions& options) {
  if (scheme.entries.size() != layers.size()) {
    throw Error("the scheme has " + std::to_string(scheme.entries.size()) + " entries for " +
                std::to_string(layers.size()) + " layers");
  }
  std::vector<std::string> groups;
  for (const auto& layer : layers) groups.push_back(group_of(layer, options.tie_shared_input));
  const auto choice = [&](std::size_t l, Role role) {
    const auto& entry = scheme.entries[l];
    return std::vector<Candidate>{role == Role::weight ? entry.weight : entry.input};
  };
  // A shared quantizer is possible only where the group chose the same input candidate.
  const auto group = [&](std::size_t l, Role role) {
    const auto& entry = scheme.entries[l];
    if (!options.tie_shared_input || role == Role::weight) return entry.layer;
    return groups[l] + " " + to_string(entry.input);
  };
  return build(std::move(layers), options, choice, group);
}

void update_probabilities(Bank& bank, double temperature, std::span<const double> noise) {
  const auto softmax = [&](std::span<const double> with, std::vector<double>& p) {
    for (const auto& site : bank.sites) {
      const std::size_t n = site.candidates.size();
      const auto logit = [&](std::size_t j) {
        return (bank.alpha[site.alpha + j] + (with.empty() ? 0.0 : with[site.alpha + j])) / temperature;
      };
      double largest = logit(0), sum = 0;
      for (std::size_t j = 1; j < n; ++j) largest = std::max(largest, logit(j));
      for (std::size_t j = 0; j < n; ++j) sum += p[site.alpha + j] = std::exp(logit(j) - largest);
      for (std::size_t j = 0; j < n; ++j) p[site.alpha + j] /= sum;
    }
  };
  softmax({}, bank.noise_free);
  bank.probability = bank.noise_free;
  if (!noise.empty()) softmax(noise, bank.probability);
}

template <class Real>
std::vector<BoundCandidate<Real>> bound_candidates(const Bank& bank, const Site& site, std::int64_t channel) {
  std::vector<BoundCandidate<Real>> bound;
  bound.reserve(site.candidates.size());
  for (std::size_t j = 0; j < site.candidates.size(); ++j) {
    bound.push_back(bind<Real>(site.candidates[j], bank.theta[site.range_at(j, channel)],
                               bank.theta[site.offset + j], bank.probability[site.alpha + j]));
  }
  return bound;
}

void initialise_weight_site(Bank& bank, const Site& site, std::span<const float> weights) {
  const std::size_t row = weights.size() / static_cast<std::size_t>(site.channels);
  std::exception_ptr failure;
#pragma omp parallel for schedule(dynamic, 8) if (site.channels > 1)
  for (std::int64_t c = 0; c < site.channels; ++c) {
    try {
      const auto part = weights.subspan(static_cast<std::size_t>(c) * row, row);
      for (std::size_t j = 0; j < site.candidates.size(); ++j)
        bank.theta[site.range_at(j, c)] = start_for_weights(part, site.candidates[j]).range;
    } catch (...) {  // no exception may leave a thread
#pragma omp critical
      failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
}

void initialise_input_site(Bank& bank, const Site& site, std::span<const float> values) {
  for (std::size_t j = 0; j < site.candidates.size(); ++j) {
    const Start start = start_for_inputs(values, site.candidates[j]);
    bank.theta[site.range_at(j, 0)] = start.range;
    bank.theta[site.offset + j] = start.offset;
  }
}

template <class Real>
void refresh_weight_maxima(Bank& bank, const Site& site, std::span<const Real> weights) {
  const bool any = std::any_of(site.candidates.begin(), site.candidates.end(),
                               [](const Candidate& c) { return is_measured(c); });
  if (!any) return;
  const std::size_t row = weights.size() / static_cast<std::size_t>(site.channels);
  for (std::int64_t c = 0; c < site.channels; ++c) {
    Real largest = 0;
    for (const Real w : weights.subspan(static_cast<std::size_t>(c) * row, row))
      largest = std::max(largest, std::abs(w));
    for (std::size_t j = 0; j < site.candidates.size(); ++j) {
      if (is_measured(site.candidates[j])) bank.theta[site.range_at(j, c)] = static_cast<double>(largest);
    }
  }
}

void update_input_maximum(Bank& bank, const Site& site, double maximum, double momentum) {
  for (std::size_t j = 0; j < site.candidates.size(); ++j) {
    if (!is_measured(site.candidates[j])) continue;
    double& range = bank.theta[site.range_at(j, 0)];
    range = momentum * range + (1 - momentum) * maximum;
  }
}

template <class Real>
void mix_weights(const Bank& bank, const Site& site, std::span<const Real> weights, std::span<Real> mixed) {
  const std::size_t row = weights.size() / static_cast<std::size_t>(site.channels);
  for (std::int64_t c = 0; c < site.channels; ++c) {
    const auto bound = bound_candidates<Real>(bank, site, c);
    const std::size_t at = static_cast<std::size_t>(c) * row;
    mixed_forward<Real>(weights.subspan(at, row), bound, mixed.subspan(at, row));
  }
}

template <class Real>
std::vector<MixedSums> mixed_weight_backward(const Bank& bank, const Site& site,
                                             std::span<const Real> weights, std::span<const Real> gradient,
                                             std::span<Real> weight_gradient, ErrorMeasure measure) {
  std::vector<MixedSums> sums(static_cast<std::size_t>(site.channels));
  const std::size_t row = weights.size() / static_cast<std::size_t>(site.channels);
  for (std::int64_t c = 0; c < site.channels; ++c) {
    const auto bound = bound_candidates<Real>(bank, site, c);
    const std::size_t at = static_cast<std::size_t>(c) * row;
    auto& part = sums[static_cast<std::size_t>(c)];
    part.candidates.resize(site.candidates.size());
    mixed_backward<Real>(weights.subspan(at, row), gradient.subspan(at, row), bound,
                         weight_gradient.empty() ? weight_gradient : weight_gradient.subspan(at, row), {},
                         part, measure);
  }
  return sums;
}

template <class Real>
void mixed_weight_backward_values(const Bank& bank, const Site& site, std::span<const Real> weights,
                                  std::span<const Real> gradient, std::span<Real> weight_gradient) {
  const std::size_t row = weights.size() / static_cast<std::size_t>(site.channels);
  for (std::int64_t c = 0; c < site.channels; ++c) {
    const auto bound = bound_candidates<Real>(bank, site, c);
    const std::size_t at = static_cast<std::size_t>(c) * row;
    mixed_backward_values<Real>(weights.subspan(at, row), gradient.subspan(at, row), bound,
                                weight_gradient.subspan(at, row), {});
  }
}

#define BITDARTS_INSTANTIATE(Real)                                                                           \
  template std::vector<BoundCandidate<Real>> bound_candidates<Real>(const Bank&, const Site&, std::int64_t); \
  template void refresh_weight_maxima<Real>(Bank&, const Site&, std::span<const Real>);                      \
  template void mix_weights<Real>(const Bank&, const Site&, std::span<const Real>, std::span<Real>);         \
  template void mixed_weight_backward_values<Real>(const Bank&, const Site&, std::span<const Real>,          \
                                                   std::span<const Real>, std::span<Real>);                  \
  template std::vector<MixedSums> mixed_weight_backward<Real>(const Bank&, const Site&,                      \
                                                              std::span<const Real>, std::span<const Real>,  \
                                                              std::span<Real>, ErrorMeasure);
BITDARTS_INSTANTIATE(float)
BITDARTS_INSTANTIATE(double)
#undef BITDARTS_INSTANTIATE

}  // namespace bitdarts::quant
