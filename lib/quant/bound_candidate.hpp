#pragma once
#include "quant/element_function.hpp"
#include "quant/method.hpp"

namespace bitdarts::quant {

/// A candidate with the numbers it needs for one tensor (or one channel of a weight), as the kernels take it.
/// Codes are round half to even of clip(position(x)), in Real throughout.
template <class Real>  // float, double
struct BoundCandidate {
  Method method = Method::identity;
  Real smallest = 0, largest = 0;  ///< code range [Qn, Qp]
  Real step = 1;                   ///< s: lsq+ learned; pact clip/Qp; uniform range/Qp
  Real offset = 0;                 ///< β: lsq+ inputs only
  Real clip = 0;                   ///< a: pact only
  Real probability = 1;            ///< p_j
};
/// v = (x - offset) / step, the place of x among the codes. By the reciprocal, rounded once: a division costs
/// the kernels twice as much as all the rest of a forward pass. The quotient may be off by one unit in the
/// last place, everywhere by the same one.
template <class Real>
BITDARTS_ELEMENT Real position(Real x, const BoundCandidate<Real>& candidate) {
  return (x - candidate.offset) * (Real(1) / candidate.step);
}

}  // namespace bitdarts::quant
