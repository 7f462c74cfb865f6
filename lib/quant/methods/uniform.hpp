#pragma once
// Uniform symmetric: s clip(round(x / s), -Qp, Qp), s = m / Qp, m = max |x|. Nothing is trained (METHOD
// section 2).
#include <cmath>

#include "quant/element.hpp"
#include "quant/initialise.hpp"
#include "quant/methods/point.hpp"
#include "quant/methods/symmetric.hpp"

namespace bitdarts::quant {

struct Uniform : Symmetric {
  static constexpr MethodTraits traits{.method = Method::uniform,
                                       .name = "uniform",
                                       .letter = 'U',
                                       .range = Range::maximum,
                                       .weights = start_at_maximum,
                                       .inputs = start_at_maximum};

  template <class V>
  BITDARTS_ELEMENT static auto in_range(const V&, const Quantized<V>& q, const Constants<V>&) {
    return q.v == q.clipped;
  }
  template <Pass pass, class V, class Mask>
  BITDARTS_ELEMENT static void add_slopes(const V&, const V&, const V&, const Quantized<V>&, const Mask&,
                                          const Constants<V>&, Accumulators<V>&) {}

  /// The table of METHOD section 2 as it stands.
  template <class Real>
  static Point<Real> point(Real x, const BoundCandidate<Real>& c) {
    const Real v = position(x, c);
    const bool inside = v >= c.smallest && v <= c.largest;
    return {c.step * clip(std::nearbyint(v), c.smallest, c.largest), inside ? 1.0 : 0.0, 0.0, 0.0};
  }
};

}  // namespace bitdarts::quant
