#include "search/discretise.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "search/knapsack.hpp"
#include "search/statistics.hpp"

namespace bitdarts::search {
namespace {

// Layers that must choose together: linked through a shared α of their weights or a shared input site.
std::vector<std::vector<std::size_t>> decision_groups(const quant::Bank& bank) {
  std::map<std::size_t, std::vector<std::size_t>> by_input;
  for (std::size_t l = 0; l < bank.layers.size(); ++l) by_input[bank.input_site[l]].push_back(l);
  std::vector<std::vector<std::size_t>> groups;
  for (auto& [site, layers] : by_input) groups.push_back(std::move(layers));
  return groups;
}

// Value of giving a site its candidate k.
using SiteValue = std::function<double(std::size_t site, std::size_t candidate)>;
// May layer l take the pair?
using Allowed =
    std::function<bool(std::size_t layer, const quant::Candidate& weight, const quant::Candidate& input)>;

quant::Scheme best_within(const quant::Bank& bank, quant::CostKind kind, std::int64_t capacity,
                          const SiteValue& value, const Allowed& allowed) {
  const auto groups = decision_groups(bank);
  std::vector<std::vector<KnapsackOption>> options(groups.size());
  std::vector<std::vector<std::pair<std::size_t, std::size_t>>> pairs(groups.size());
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const auto& first = groups[g].front();
    const auto& weights = bank.sites[bank.weight_site[first]].candidates;
    const auto& inputs = bank.sites[bank.input_site[first]].candidates;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      for (std::size_t j = 0; j < inputs.size(); ++j) {
        const bool fits = std::all_of(groups[g].begin(), groups[g].end(),
                                      [&](std::size_t l) { return allowed(l, weights[i], inputs[j]); });
        if (!fits) continue;
        KnapsackOption option{.cost = 0, .value = value(bank.input_site[first], j)};
        for (const std::size_t l : groups[g]) {
          option.cost += quant::layer_cost(kind, bank.layers[l], weights[i].bits, inputs[j].bits);
          option.value += value(bank.weight_site[l], i);
        }
        options[g].push_back(option);
        pairs[g].push_back({i, j});
      }
    }
  }
  const auto chosen = solve_knapsack(options, capacity);
  quant::Scheme scheme;
  scheme.entries.resize(bank.layers.size());
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const auto [i, j] = pairs[g][chosen[g]];
    for (const std::size_t l : groups[g]) {
      scheme.entries[l] = {bank.layers[l].name, bank.sites[bank.weight_site[l]].candidates[i],
                           bank.sites[bank.input_site[l]].candidates[j]};
    }
  }
  return scheme;
}

std::size_t index_of(const quant::Site& site, const quant::Candidate& candidate) {
  return static_cast<std::size_t>(std::find(site.candidates.begin(), site.candidates.end(), candidate) -
                                  site.candidates.begin());
}

// The bank with all probability on the scheme's candidates (and the others still there to be compared with).
quant::Bank settled_on(const quant::Scheme& scheme, quant::Bank bank) {
  constexpr double certain = 1000.0;  // exp(-1000) is 0 in double
  std::fill(bank.alpha.begin(), bank.alpha.end(), 0.0);
  for (std::size_t l = 0; l < bank.layers.size(); ++l) {
    const auto& weight = bank.sites[bank.weight_site[l]];
    const auto& input = bank.sites[bank.input_site[l]];
    bank.alpha[weight.alpha + index_of(weight, scheme.entries[l].weight)] = certain;
    bank.alpha[input.alpha + index_of(input, scheme.entries[l].input)] = certain;
  }
  quant::update_probabilities(bank, 1.0);
  return bank;
}

}  // namespace

quant::Scheme discretise(const quant::Bank& bank, const Budget& budget) {
  const SiteValue log_probability = [&](std::size_t site, std::size_t k) {
    // An input that several layers share counts once for each of them, as in the sum over layers.
    return static_cast<double>(bank.sites[site].layers.size()) *
           std::log(std::max(bank.probabilities(bank.sites[site])[k], 1e-300));
  };
  const std::int64_t capacity = budget.capacity.value_or(quant::full_cost(budget.kind, bank.layers));
  return best_within(bank, budget.kind, capacity, log_probability,
                     [](std::size_t, const auto&, const auto&) { return true; });
}

template <class Real>
quant::Scheme spend_rest(const quant::Scheme& scheme, const quant::Bank& bank, const Budget& budget,
                         train::Engine<Real>& engine, std::span<const Real> weights,
                         const data::Sampler& sampler, std::int64_t sequences, std::int64_t batches) {
  if (!budget.capacity) return scheme;
  quant::Bank settled = settled_on(scheme, bank);
  std::vector<std::vector<double>> by_site(settled.sites.size());
  for (std::size_t s = 0; s < settled.sites.size(); ++s)
    by_site[s].assign(settled.sites[s].candidates.size(), 0.0);
  for (std::int64_t b = 0; b < batches; ++b) {
    const auto gradient =
        engine.gradient(weights, &settled, {sampler, b, sequences}, {.wanted = train::Wanted::architecture});
    for (std::size_t s = 0; s < by_site.size(); ++s) {
      for (const auto& channel : gradient.sums[s]) {
        for (std::size_t k = 0; k < by_site[s].size(); ++k)
          by_site[s][k] += channel.candidates[k].gradient_quantized;
      }
    }
  }
  const auto chosen_of = [&](std::size_t s) {
    const auto& site = settled.sites[s];
    const auto& entry = scheme.entries[site.layers.front()];
    return index_of(site, site.role == quant::Role::weight ? entry.weight : entry.input);
  };
  const SiteValue gain = [&](std::size_t s, std::size_t k) {
    return (by_site[s][chosen_of(s)] - by_site[s][k]) / static_cast<double>(batches);
  };
  // Another method at the same width is no use of the budget, and a first-order estimate is too coarse to
  // choose one.
  const auto keeps_or_widens = [](const quant::Candidate& now, const quant::Candidate& next) {
    return next == now || next.bits > now.bits;
  };
  const Allowed allowed = [&](std::size_t l, const quant::Candidate& weight, const quant::Candidate& input) {
    return keeps_or_widens(scheme.entries[l].weight, weight) &&
           keeps_or_widens(scheme.entries[l].input, input);
  };
  return best_within(bank, budget.kind, *budget.capacity, gain, allowed);
}

template quant::Scheme spend_rest<float>(const quant::Scheme&, const quant::Bank&, const Budget&,
                                         train::Engine<float>&, std::span<const float>, const data::Sampler&,
                                         std::int64_t, std::int64_t);

}  // namespace bitdarts::search
