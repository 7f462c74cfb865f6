#include "search/assign.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/error.hpp"
#include "search/knapsack.hpp"

namespace bitdarts::search {
namespace {

void require_finite(const quant::Bank& bank, const SiteValues& values) {
  if (values.size() != bank.sites.size())
    throw Error("there are values for " + std::to_string(values.size()) + " sites of " +
                std::to_string(bank.sites.size()));
  for (std::size_t s = 0; s < values.size(); ++s) {
    const auto& site = bank.sites[s];
    if (values[s].size() != site.candidates.size())
      throw Error("there are values for " + std::to_string(values[s].size()) + " of " +
                      std::to_string(site.candidates.size()) + " candidates",
                  site.name);
    for (std::size_t k = 0; k < values[s].size(); ++k)
      if (!std::isfinite(values[s][k]))
        throw Error(
            "the estimated loss of " + quant::to_string(site.candidates[k]) + " is not a finite number",
            site.name);
  }
}

}  // namespace

SiteValues after_recovery(const quant::Bank& bank, SiteValues values, double recovery) {
  for (std::size_t s = 0; s < values.size(); ++s)
    if (bank.sites[s].role == quant::Role::weight)
      for (double& value : values[s]) value *= 1 - recovery;
  return values;
}

std::vector<std::vector<std::size_t>> decision_groups(const quant::Bank& bank) {
  std::map<std::size_t, std::vector<std::size_t>> by_input;
  for (std::size_t l = 0; l < bank.layers.size(); ++l) by_input[bank.input_site[l]].push_back(l);
  std::vector<std::vector<std::size_t>> groups;
  for (auto& [site, layers] : by_input) groups.push_back(std::move(layers));
  return groups;
}

std::vector<GroupOption> options_of(const quant::Bank& bank, const std::vector<std::size_t>& group,
                                    const quant::Cost& cost) {
  const auto& weights = bank.sites[bank.weight_site[group.front()]].candidates;
  const auto& inputs = bank.sites[bank.input_site[group.front()]].candidates;
  std::vector<GroupOption> options;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    for (std::size_t j = 0; j < inputs.size(); ++j) {
      GroupOption option{.weight = i, .input = j};
      for (const std::size_t l : group)
        option.cost += quant::layer_cost(cost, bank.layers[l], weights[i], inputs[j]);
      options.push_back(option);
    }
  }
  return options;
}

quant::Scheme scheme_of(const quant::Bank& bank, const std::vector<std::vector<std::size_t>>& groups,
                        const std::vector<GroupOption>& chosen) {
  quant::Scheme scheme;
  scheme.entries.resize(bank.layers.size());
  for (std::size_t g = 0; g < groups.size(); ++g) {
    for (const std::size_t l : groups[g]) {
      scheme.entries[l] = {bank.layers[l].name, bank.sites[bank.weight_site[l]].candidates[chosen[g].weight],
                           bank.sites[bank.input_site[l]].candidates[chosen[g].input]};
    }
  }
  return scheme;
}

quant::Scheme assign(const quant::Bank& bank, const SiteValues& values, const quant::Cost& cost,
                     std::optional<std::int64_t> capacity, double price) {
  require_finite(bank, values);
  const auto groups = decision_groups(bank);
  std::vector<std::vector<GroupOption>> pairs;
  std::vector<std::vector<KnapsackOption>> options;
  const std::int64_t full = quant::full_cost(cost, bank.layers);
  for (const auto& group : groups) {
    pairs.push_back(options_of(bank, group, cost));
    auto& of_group = options.emplace_back();
    for (const GroupOption& pair : pairs.back()) {
      double loss = values[bank.input_site[group.front()]][pair.input] +
                    price * static_cast<double>(pair.cost) / static_cast<double>(full);
      for (const std::size_t l : group) loss += values[bank.weight_site[l]][pair.weight];
      of_group.push_back({.cost = pair.cost, .value = -loss});
    }
  }
  const auto chosen = solve_knapsack(options, capacity.value_or(quant::largest_cost(cost, bank.layers)));
  std::vector<GroupOption> taken;
  for (std::size_t g = 0; g < groups.size(); ++g) taken.push_back(pairs[g][chosen[g]]);
  return scheme_of(bank, groups, taken);
}

}  // namespace bitdarts::search
