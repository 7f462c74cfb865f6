#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "quant/bank.hpp"
#include "train/adam.hpp"

namespace bitdarts::train {

/// What trains θ, the quantizers' own parameters, in the search and in finetuning: Adam, each element in the
/// unit of its range, and the maxima that are measured instead.
class QuantizerTraining {
 public:
  explicit QuantizerTraining(const quant::Bank& bank)
      : adam_(bank.theta.size()), trained_(quant::trained_theta(bank)) {}

  /// One step of Adam on what is trained; ranges stay positive. `gradient` [theta].
  void update(quant::Bank& bank, std::span<const double> gradient, double learning_rate);
  /// uniform on inputs: the running maximum, from the largest |x| of each site in this step [sites].
  static void update_maxima(quant::Bank& bank, std::span<const double> by_site);

  void save(store::File& file) const { adam_.save(file, "quantizers"); }
  void load(const store::File& file) { adam_.load(file, "quantizers"); }

 private:
  Adam<double> adam_;
  std::vector<std::uint8_t> trained_;
};

}  // namespace bitdarts::train
