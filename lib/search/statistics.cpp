#include "search/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <span>

namespace bitdarts::search {

quant::ExpectedCost expected_cost(const quant::Bank& bank, quant::CostKind kind) {
  std::vector<double> weight_bits, input_bits;
  for (std::size_t l = 0; l < bank.layers.size(); ++l) {
    weight_bits.push_back(bank.expected_bits(bank.sites[bank.weight_site[l]]));
    input_bits.push_back(bank.expected_bits(bank.sites[bank.input_site[l]]));
  }
  return quant::expected_cost(kind, bank.layers, weight_bits, input_bits);
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
  for (const double p : bank.probabilities(site)) {
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
