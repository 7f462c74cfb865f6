#pragma once
#include <cmath>
#include <functional>
#include <span>
#include <vector>

#include "train/adam.hpp"

namespace bitdarts::search {

/// Finite-difference Hessian-vector product of DARTS (Liu, Simonyan, Yang 2018, eq. 8): the mixed second
/// derivative d^2 L_inner / (d arch d w) times `direction`, as (g(w + R d) - g(w - R d)) / (2 R), R = 0.01 /
/// |d|. `architecture_gradient(w)` is dL_inner / d arch at weights w. For a plain gradient step d = ξ ∇_{w'}
/// L_outer, and R d is what METHOD section 5 states; for AdamW d is ∇_{w'} L_outer times the diagonal of
/// -dw'/dg, so that the chain rule is that of the step really taken.
template <class Real>
std::vector<double> hessian_vector_product(
    std::span<const Real> weights, std::span<const Real> direction,
    const std::function<std::vector<double>(std::span<const Real>)>& architecture_gradient) {
  constexpr double perturbation = 0.01;
  const double length = train::norm<Real>(direction);
  if (length == 0) return std::vector<double>(architecture_gradient(weights).size(), 0.0);
  const double radius = perturbation / length;
  std::vector<Real> moved(weights.size());
  const auto at = [&](double sign) {
    for (std::size_t i = 0; i < moved.size(); ++i)
      moved[i] = weights[i] + static_cast<Real>(sign * radius) * direction[i];
    return architecture_gradient(moved);
  };
  std::vector<double> product = at(+1.0);
  const std::vector<double> minus = at(-1.0);
  for (std::size_t k = 0; k < product.size(); ++k) product[k] = (product[k] - minus[k]) / (2 * radius);
  return product;
}

}  // namespace bitdarts::search
