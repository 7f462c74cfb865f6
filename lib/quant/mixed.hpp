#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "quant/bound_candidate.hpp"
#include "quant/candidate.hpp"

namespace bitdarts::quant {

/// `range`: step for lsq+, clip a for pact, maximum m for uniform; ignored for the identity.
/// A range that is not positive (an all-zero tensor's maximum) is replaced so that the step is float's
/// smallest normal number: every code of that tensor is then 0. A NaN stays. uniform: the step is such that
/// the maximum itself is in range.
template <class Real>
BoundCandidate<Real> bind(const Candidate& candidate, double range, double offset, double probability);

/// How an element's quantization error counts in L_err: H (Q_j(x) - x)^2.
enum class ErrorMeasure {
  relative,  ///< H = 1; L_err relates the sum to the sum of x^2
  fisher     ///< H = G^2, the diagonal of the empirical Fisher matrix; L_err in nats
};

/// Per candidate, sums over all elements of a call. R is what the method learns: step (lsq+) or clip (pact).
/// The gradient scale g of LSQ is NOT applied here.
struct CandidateSums {
  double gradient_quantized = 0;  ///< <G, Q_j(x)>
  double squared_error = 0;       ///< sum H (Q_j(x) - x)^2
  double gradient_range = 0;      ///< <G, dQ_j/dR>
  double error_range = 0;         ///< <H (Q_j(x) - x), dQ_j/dR>
  double gradient_offset = 0;     ///< <G, dQ_j/d offset>
  double error_offset = 0;        ///< <H (Q_j(x) - x), dQ_j/d offset>
};
struct MixedSums {
  std::vector<CandidateSums> candidates;
  double square = 0;   ///< sum x^2
  double maximum = 0;  ///< max |x|
  double count = 0;    ///< elements
};

/// mixed = sum_j p_j Q_j(x) (METHOD section 1). One read of x, one write. `mixed` may be x itself.
/// NaN in x gives NaN; +-Inf is clipped by every quantizer and passed by the identity (times its
/// probability).
template <class Real>
void mixed_forward(std::span<const Real> x, std::span<const BoundCandidate<Real>> candidates,
                   std::span<Real> mixed);

/// METHOD section 3. Given G = dL/d mixed: dx = G * sum_j p_j 1[x in range of j] (may be empty, may be G
/// itself), the sums of every candidate ADDED to `sums` (max for `maximum`), and, when `mixed` is not empty,
/// the mixed values again (recomputed, not saved). In range for lsq+ and uniform: Qn <= v <= Qp; for pact: -a
/// < x < a (x = +-a belongs to the clip's gradient). NaN in x: in range of the identity alone, and NaN in
/// every sum that contains the value; `maximum` passes over it. A square beyond Real's largest number is Inf.
/// With ErrorMeasure::fisher a NaN in G is one in the error sums too (never in the identity's, which makes no
/// error), and an infinite x makes them NaN where its G is 0; H is G^2 in Real.
/// `x`, `gradient` and the outputs may be the same memory. Sums run in Real over fixed blocks and in double
/// over the blocks in order: the result depends neither on the threads nor on the instruction set.
template <class Real>
void mixed_backward(std::span<const Real> x, std::span<const Real> gradient,
                    std::span<const BoundCandidate<Real>> candidates, std::span<Real> dx,
                    std::span<Real> mixed, MixedSums& sums, ErrorMeasure measure = ErrorMeasure::relative);

/// What mixed_backward() gives without the sums, bit for bit, for a pass that trains the weights alone: dx,
/// the mixed values again unless `mixed` is empty, and max |x|, which is returned.
template <class Real>
double mixed_backward_values(std::span<const Real> x, std::span<const Real> gradient,
                             std::span<const BoundCandidate<Real>> candidates, std::span<Real> dx,
                             std::span<Real> mixed);

/// The statistics without a gradient: squared_error, error_range, error_offset, square, maximum, count.
template <class Real>
void mixed_errors(std::span<const Real> x, std::span<const BoundCandidate<Real>> candidates, MixedSums& sums);

/// Of mixed_backward() with ErrorMeasure::fisher only squared_error and error_range, bit for bit (and count):
/// what weights, which have no offset, need of the gradient of one shard.
template <class Real>
void mixed_weighted_errors(std::span<const Real> x, std::span<const Real> gradient,
                           std::span<const BoundCandidate<Real>> candidates, MixedSums& sums);

/// Written to be read: one candidate after another, element by element; values in Real, so that ties fall
/// alike, sums in double. The kernels are held to this.
namespace reference {
double quantize(double x, const BoundCandidate<double>& candidate);
template <class Real>
void mixed_forward(std::span<const Real> x, std::span<const BoundCandidate<Real>> candidates,
                   std::span<Real> mixed);
template <class Real>
void mixed_backward(std::span<const Real> x, std::span<const Real> gradient,
                    std::span<const BoundCandidate<Real>> candidates, std::span<Real> dx,
                    std::span<Real> mixed, MixedSums& sums, ErrorMeasure measure = ErrorMeasure::relative);
}  // namespace reference

}  // namespace bitdarts::quant
