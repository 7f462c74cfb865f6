#include "search/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <span>

namespace bitdarts::search {

namespace {

// By candidate: what it contributes to the cost of a layer.
std::vector<double> units_of(const quant::Bank& bank, std::size_t layer, quant::Role role,
                             const quant::Cost& cost) {
  const bool weight = role == quant::Role::weight;
  std::vector<double> units;
  for (const auto& candidate :
       bank.sites[weight ? bank.weight_site[layer] : bank.input_site[layer]].candidates)
    units.push_back(static_cast<double>(weight ? quant::weight_units(cost, bank.layers[layer], candidate)
                                               : quant::input_units(cost, candidate)));
  return units;
}

double mean_of(std::span<const double> p, const std::vector<double>& units) {
  double mean = 0;
  for (std::size_t j = 0; j < p.size(); ++j) mean += p[j] * units[j];
  return mean;
}

}  // namespace

quant::ExpectedCost expected_cost(const quant::Bank& bank, const quant::Cost& cost) {
  std::vector<double> weights, inputs;
  for (std::size_t l = 0; l < bank.layers.size(); ++l) {
    weights.push_back(mean_of(bank.noise_free_probabilities(bank.sites[bank.weight_site[l]]),
                              units_of(bank, l, quant::Role::weight, cost)));
    inputs.push_back(mean_of(bank.noise_free_probabilities(bank.sites[bank.input_site[l]]),
                             units_of(bank, l, quant::Role::input, cost)));
  }
  return quant::expected_cost(cost, bank.layers, weights, inputs);
}

std::vector<double> cost_gradient(const quant::Bank& bank, const quant::Cost& cost, double temperature) {
  const auto expected = expected_cost(bank, cost);
  std::vector<double> gradient(bank.alpha.size(), 0.0);
  const auto add = [&](std::size_t layer, quant::Role role, double slope) {
    const auto& site =
        bank.sites[role == quant::Role::weight ? bank.weight_site[layer] : bank.input_site[layer]];
    quant::add_softmax_gradient(bank.noise_free_probabilities(site), units_of(bank, layer, role, cost),
                                temperature, slope,
                                std::span(gradient).subspan(site.alpha, site.candidates.size()));
  };
  for (std::size_t l = 0; l < bank.layers.size(); ++l) {
    add(l, quant::Role::weight, expected.by_weight[l]);
    add(l, quant::Role::input, expected.by_input[l]);
  }
  return gradient;
}

std::vector<std::size_t> argmax_by_site(const quant::Bank& bank) {
  std::vector<std::size_t> best;
  for (const auto& site : bank.sites) {
    const auto alpha = std::span(bank.alpha).subspan(site.alpha, site.candidates.size());
    best.push_back(static_cast<std::size_t>(std::max_element(alpha.begin(), alpha.end()) - alpha.begin()));
  }
  return best;
}

double site_entropy(const quant::Bank& bank, const quant::Site& site) {
  double entropy = 0;
  for (const double p : bank.noise_free_probabilities(site)) {
    if (p > 0) entropy -= p * std::log(p);
  }
  return entropy;
}

double mean_entropy(const quant::Bank& bank) {
  double sum = 0;
  for (const auto& site : bank.sites) sum += site_entropy(bank, site);
  return bank.sites.empty() ? 0.0 : sum / static_cast<double>(bank.sites.size());
}

ExpectedBits expected_bits(const quant::Bank& bank) {
  ExpectedBits bits;
  double total = 0;
  for (std::size_t l = 0; l < bank.layers.size(); ++l) {
    const double share = static_cast<double>(bank.layers[l].parameters());
    bits.weights += share * bank.expected_bits(bank.sites[bank.weight_site[l]]);
    bits.inputs += share * bank.expected_bits(bank.sites[bank.input_site[l]]);
    total += share;
  }
  return {bits.weights / total, bits.inputs / total};
}

}  // namespace bitdarts::search
