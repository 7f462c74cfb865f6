#pragma once
// fp32: the values go through unchanged. The only candidate of 32 bits (METHOD section 1).
#include "quant/element.hpp"
#include "quant/initialise.hpp"
#include "quant/methods/point.hpp"

namespace bitdarts::quant {

struct Identity {
  static constexpr MethodTraits traits{.method = Method::identity,
                                       .name = "fp32",
                                       .letter = 'F',
                                       .range = Range::none,
                                       .weights = start_with_nothing,
                                       .inputs = start_with_nothing};

  template <class Real>
  static Point<Real> point(Real x, const BoundCandidate<Real>&) {
    return {x, 1.0, 0.0, 0.0};
  }
};

}  // namespace bitdarts::quant
