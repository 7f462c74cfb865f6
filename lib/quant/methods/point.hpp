#pragma once
#include <algorithm>
#include <cmath>

namespace bitdarts::quant {

/// Q(x) and its straight-through derivatives, as METHOD section 2 tabulates them: what the kernels are held
/// to.
template <class Real>
struct Point {
  Real value = 0;
  double by_x = 0, by_range = 0, by_offset = 0;
};

/// A NaN stays one.
template <class Real>
Real clip(Real value, Real low, Real high) {
  if (std::isnan(value)) return value;
  return std::min(std::max(value, low), high);
}

}  // namespace bitdarts::quant
