#pragma once
// PACT (Choi et al. 2018), symmetric: c = clip(x, -a, a), s = a / Qp, s round(c / s). The clip a is trained,
// with decay λ_a a² (METHOD section 2).
#include <cmath>

#include "quant/element.hpp"
#include "quant/initialise.hpp"
#include "quant/methods/point.hpp"
#include "quant/methods/symmetric.hpp"

namespace bitdarts::quant {

struct Pact : Symmetric {
  static constexpr MethodTraits traits{.method = Method::pact,
                                       .name = "pact",
                                       .letter = 'P',
                                       .range = Range::clip,
                                       .weights = start_at_least_error,
                                       .inputs = start_at_least_error};

  template <class V>
  BITDARTS_ELEMENT static V magnitude(const V& x) {
    return x < V{} ? -x : x;
  }
  template <class V>
  BITDARTS_ELEMENT static auto in_range(const V& x, const Quantized<V>&, const Constants<V>& k) {
    return magnitude(x) < k.clip;
  }
  /// dQ/da is the sign of x at the clip and beyond, and 0 for a NaN; the error of a NaN is one.
  template <Pass pass, class V, class Mask>
  BITDARTS_ELEMENT static void add_slopes(const V& x, const V& g, const V& error, const Quantized<V>&,
                                          const Mask& inside, const Constants<V>& k, Accumulators<V>& sums) {
    const V zero{};
    add_where(sums.error_range, !inside, V(x < zero ? -error : error));
    if constexpr (mixes(pass)) add_where(sums.gradient_range, magnitude(x) >= k.clip, V(x < zero ? -g : g));
  }

  /// The table of METHOD section 2 as it stands.
  template <class Real>
  static Point<Real> point(Real x, const BoundCandidate<Real>& c) {
    const Real clipped = clip(x, -c.clip, c.clip);
    const double by_clip = x >= c.clip ? 1.0 : x <= -c.clip ? -1.0 : 0.0;
    const bool inside = x > -c.clip && x < c.clip;
    return {c.step * clip(std::nearbyint(position(clipped, c)), c.smallest, c.largest), inside ? 1.0 : 0.0,
            by_clip, 0.0};
  }
};

}  // namespace bitdarts::quant
