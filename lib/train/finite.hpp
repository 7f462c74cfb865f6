#pragma once
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "quant/bank.hpp"
#include "store/file.hpp"

namespace bitdarts::train {

/// Error (with the step, the layer or tensor, and what to try) unless `value` is finite. `where` begins with
/// the stage: "pretrain, model.norm.weight".
void require_finite(double value, const std::string& what, std::int64_t step, const std::string& where);

/// The same for the gradients of α (may be empty) and θ, site by site.
void require_finite_gradients(const quant::Bank& bank, std::span<const double> alpha,
                              std::span<const double> theta, std::int64_t step, const std::string& stage);

/// The same for α and θ themselves.
void require_finite_bank(const quant::Bank& bank, std::int64_t step, const std::string& stage);

/// The first site with a range or an offset that is not finite, or null.
const quant::Site* first_not_finite_site(const quant::Bank& bank);

/// "input quantizer of model.layers.0.mlp.up_proj"
std::string label_of(const quant::Site& site);

/// The first element that is not finite, or values.size().
template <class Real>
std::size_t first_not_finite(std::span<const Real> values) {
  std::size_t i = 0;
  while (i < values.size() && std::isfinite(values[i])) ++i;
  return i;
}

/// Reads a dataset of this shape; InputError when an element is not finite.
template <class Real>
std::vector<Real> read_finite(const store::File& file, const std::string& dataset, const store::Shape& shape);

}  // namespace bitdarts::train
