#include "train/architecture_gradient.hpp"

namespace bitdarts::train {

template <class Real>
void add_architecture_gradient(const quant::Bank& bank, const Objective& objective, double tokens,
                               Gradient<Real>& result) {
  result.alpha.assign(bank.alpha.size(), 0.0);
  result.theta.assign(bank.theta.size(), 0.0);
  const double sites = 2.0 * static_cast<double>(bank.layers.size());
  const bool fisher = objective.error_measure == quant::ErrorMeasure::fisher;
  for (std::size_t i = 0; i < bank.sites.size(); ++i) {
    const auto& site = bank.sites[i];
    const double share = fisher ? 1.0 : static_cast<double>(site.layers.size()) / sites;
    const quant::SiteObjective of_site{.error_multiplier = objective.error_multiplier * share,
                                       .clip_decay = objective.clip_decay,
                                       .temperature = objective.temperature,
                                       .task_gradient = true,
                                       .measure = objective.error_measure,
                                       .tokens = tokens};
    result.error += share * quant::expected_error(bank, site, result.sums[i], of_site);
    result.candidate_errors.push_back(quant::candidate_errors(site, result.sums[i], of_site));
    quant::add_site_gradients(bank, site, result.sums[i], of_site, result.alpha, result.theta);
  }
}

template void add_architecture_gradient<float>(const quant::Bank&, const Objective&, double,
                                               Gradient<float>&);
template void add_architecture_gradient<double>(const quant::Bank&, const Objective&, double,
                                                Gradient<double>&);

}  // namespace bitdarts::train
