#include "train/quantizers.hpp"

namespace bitdarts::train {

void QuantizerTraining::update(quant::Bank& bank, std::span<const double> gradient, double learning_rate) {
  std::vector<double> scale = quant::theta_scale(bank);
  for (std::size_t i = 0; i < scale.size(); ++i) scale[i] *= trained_[i];
  adam_.step(bank.theta, gradient, {.learning_rate = learning_rate}, {}, scale);
  quant::project_theta(bank);
}

void QuantizerTraining::update_maxima(quant::Bank& bank, std::span<const double> by_site) {
  for (std::size_t i = 0; i < bank.sites.size(); ++i)
    if (bank.sites[i].role == quant::Role::input)
      quant::update_input_maximum(bank, bank.sites[i], by_site[i]);
}

}  // namespace bitdarts::train
