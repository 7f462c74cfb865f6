#pragma once
// LSQ+ (Bhalgat et al. 2020; on weights LSQ, Esser et al. 2020): s round(clip((x - β) / s, Qn, Qp)) + β, with
// Qn = -2^(b-1); β = 0 on weights. Step and offset are trained (METHOD section 2).
#include <cmath>

#include "quant/element.hpp"
#include "quant/initialise.hpp"
#include "quant/methods/point.hpp"

namespace bitdarts::quant {

struct LsqPlus {
  static constexpr MethodTraits traits{.method = Method::lsq_plus,
                                       .name = "lsq+",
                                       .letter = 'L',
                                       .range = Range::step,
                                       .lowest_code = true,
                                       .input_offset = true,
                                       .weights = start_at_least_error,
                                       .inputs = start_with_offset};

  template <class V>
  BITDARTS_ELEMENT static Quantized<V> quantize(const V& x, const Constants<V>& k) {
    return to_code((x - k.offset) * k.inverse, k);
  }
  template <class V>
  BITDARTS_ELEMENT static V value(const V& code, const Constants<V>& k) {
    return k.step * code + k.offset;
  }
  template <class V>
  BITDARTS_ELEMENT static auto in_range(const V&, const Quantized<V>& q, const Constants<V>&) {
    return q.v == q.clipped;
  }
  /// dQ/ds = round(v) - v in range, the code beyond; dQ/dβ = 0 in range, 1 beyond.
  template <Pass pass, class V, class Mask>
  BITDARTS_ELEMENT static void add_slopes(const V&, const V& g, const V& error, const Quantized<V>& q,
                                          const Mask& inside, const Constants<V>&, Accumulators<V>& sums) {
    const V slope = q.code - (inside ? q.v : V{});
    sums.error_range += error * slope;
    if constexpr (pass != Pass::weighted_errors) add_where(sums.error_offset, !inside, error);
    if constexpr (mixes(pass)) {
      sums.gradient_range += g * slope;
      add_where(sums.gradient_offset, !inside, g);
    }
  }

  /// The table of METHOD section 2 as it stands.
  template <class Real>
  static Point<Real> point(Real x, const BoundCandidate<Real>& c) {
    const Real v = position(x, c);
    const Real code = std::nearbyint(clip(v, c.smallest, c.largest));
    const bool inside = v >= c.smallest && v <= c.largest;
    return {c.step * code + c.offset, inside ? 1.0 : 0.0, static_cast<double>(inside ? code - v : code),
            inside ? 0.0 : 1.0};
  }
};

}  // namespace bitdarts::quant
