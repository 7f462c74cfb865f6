#pragma once
// The arithmetic of the fused mixed quantizer on one element (METHOD section 3), for V = float, double, or a
// vector of them as GCC has it. What differs between methods is in quant/methods; hosts walk blocks with it
// (quant/mixed_kernel.inc), devices would walk threads.
#include "quant/bound_candidate.hpp"

namespace bitdarts::quant {

/// The numbers of a candidate, each in every lane of V. `rounder`: adding and subtracting 1.5 * 2^mantissa
/// rounds half to even for |v| far beyond every code range, and vectorises on every instruction set, which
/// nearbyint does not.
template <class V>
struct Constants {
  V smallest, largest, step, inverse, offset, clip, probability, share, rounder;
};
template <class Real>
inline constexpr Real rounder = sizeof(Real) == sizeof(float) ? Real(12582912.0) : Real(6755399441055744.0);

template <class V, class Real>
BITDARTS_ELEMENT V broadcast(Real value) {
  return V{} + value;
}
template <class V, class Real>
BITDARTS_ELEMENT Constants<V> constants(const BoundCandidate<Real>& c) {
  return {broadcast<V>(c.smallest),    broadcast<V>(c.largest),
          broadcast<V>(c.step),        broadcast<V>(Real(1) / c.step),
          broadcast<V>(c.offset),      broadcast<V>(c.clip),
          broadcast<V>(c.probability), broadcast<V>(c.probability * c.step),
          broadcast<V>(rounder<Real>)};
}

/// The place of an element among the codes, the same within the code range, and the code.
template <class V>
struct Quantized {
  V v, clipped, code;
};
/// One formula for all methods: round(clip(v)) = clip(round(v)) for whole bounds, and after rounding PACT's
/// clip(x, -a, a) / s equals clip(x / s, -Qp, Qp). The comparisons let a NaN through.
template <class V>
BITDARTS_ELEMENT Quantized<V> to_code(const V& v, const Constants<V>& k) {
  Quantized<V> q;
  q.v = v;
  const V raised = q.v < k.smallest ? k.smallest : q.v;
  q.clipped = raised > k.largest ? k.largest : raised;
  q.code = (q.clipped + k.rounder) - k.rounder;
  return q;
}

/// sum + (where ? value : 0): one masked addition where the instruction set has it.
template <class V, class Mask>
BITDARTS_ELEMENT void add_where(V& sum, const Mask& where, const V& value) {
#if defined(__AVX512F__)
  sum = where ? sum + value : sum;
#else
  sum += where ? value : V{};
#endif
}

/// The sums of CandidateSums, in the same order.
template <class V>
struct Accumulators {
  V gradient_quantized, squared_error, gradient_range, error_range, gradient_offset, error_offset;
};

/// What a pass sums up; those named backward also make the mixture and the mass.
enum class Pass { errors, weighted_errors, backward, weighted_backward };
BITDARTS_ELEMENT constexpr bool mixes(Pass pass) {
  return pass == Pass::backward || pass == Pass::weighted_backward;
}
BITDARTS_ELEMENT constexpr bool weighs(Pass pass) {
  return pass == Pass::weighted_errors || pass == Pass::weighted_backward;
}

/// One candidate of method M, one V of elements x with gradients g: adds to the mixture, to the mass (sum of
/// p_j over the candidates that have the element in range) and to the sums.
template <class M, Pass pass, class V>
BITDARTS_ELEMENT void visit(const V& x, const V& g, const Constants<V>& k, V& mixed, V& mass,
                            Accumulators<V>& sums) {
  if constexpr (!has_codes(M::traits)) {
    mixed += k.probability * x;
    mass += k.probability;
    sums.gradient_quantized += g * x;
  } else {
    const Quantized<V> q = M::quantize(x, k);
    const V value = M::value(q.code, k);
    const V difference = value - x;
    V error = difference;
    if constexpr (weighs(pass)) error = (g * g) * difference;
    sums.squared_error += error * difference;
    if constexpr (mixes(pass)) {
      mixed += k.share * q.code;
      sums.gradient_quantized += g * value;
    }
    const auto inside = M::in_range(x, q, k);
    if constexpr (mixes(pass)) add_where(mass, inside, k.probability);
    M::template add_slopes<pass>(x, g, error, q, inside, k, sums);
  }
}

/// visit() without the sums, and without the mass where `with_mass` is false: the same operations.
template <class M, bool with_mass, class V>
BITDARTS_ELEMENT void add_value(const V& x, const Constants<V>& k, V& mixed, V& mass) {
  if constexpr (!has_codes(M::traits)) {
    mixed += k.probability * x;
    if constexpr (with_mass) mass += k.probability;
  } else {
    const Quantized<V> q = M::quantize(x, k);
    mixed += k.share * q.code;
    if constexpr (with_mass) mass += M::in_range(x, q, k) ? k.probability : V{};
  }
}

/// The mixture sum_j p_j (s_j code_j + offset_j) is summed as sum_j p_j offset_j, then (p_j s_j) code_j one
/// after another: a lone candidate (p = 1) gives its value to the bit. Where no code is added -0 begins, the
/// neutral element, so that the identity alone keeps the sign of a zero.
template <class Real>
BITDARTS_ELEMENT Real mixture_start(const BoundCandidate<Real>* candidates, unsigned long count) {
  Real offset = -Real(0);
  for (unsigned long j = 0; j < count; ++j)
    if (candidates[j].method != Method::identity) offset += candidates[j].probability * candidates[j].offset;
  return offset;
}

}  // namespace bitdarts::quant
