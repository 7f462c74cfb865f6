#pragma once
// Inside the model room: the row-wise kernels, once per instruction set, all with the same results.
#include <cstdint>

#include "core/instruction_set.hpp"

namespace bitdarts::model {

/// softmax(x)_i = e^(x_i - maximum) / sum.
template <class Real>
struct RowSoftmax {
  Real maximum, sum;
};

/// Rows of the softmax are padded: `width` is a multiple of row_lanes<Real>, and what stands between the
/// valid columns and the width is read over and set to 0.
template <class Real>
inline constexpr std::int64_t row_lanes = 64 / sizeof(Real);
template <class Real>
constexpr std::int64_t padded(std::int64_t columns) {
  return (columns + row_lanes<Real> - 1) / row_lanes<Real> * row_lanes<Real>;
}

template <class Real>
struct RowKernels {
  /// y = x r w with r = 1 / sqrt(mean(x^2) + eps), row by row. x, y [rows, width], weight [width],
  /// inverse_rms [rows] (kept for the backward).
  void (*rms_norm_forward)(const Real* x, const Real* weight, Real eps, std::int64_t rows, std::int64_t width,
                           Real* y, Real* inverse_rms);
  /// dx = r (g w) - x r^3 / width <g w, x>, dw = sum over rows of g x r. `dweight` [width] is overwritten.
  void (*rms_norm_backward)(const Real* x, const Real* weight, const Real* inverse_rms, const Real* gradient,
                            std::int64_t rows, std::int64_t width, Real* dx, Real* dweight);
  /// Rotary embedding, half-split: (a, b) -> (a cos - b sin, b cos + a sin), a and b the two halves of a
  /// head; `sign` +1, or -1 for the inverse rotation, which is the backward. x, y [batch * time, heads,
  /// size], which may be the same, of which the rows first ... first + rows; cosine, sine [time, size].
  void (*rotate)(const Real* x, const Real* cosine, const Real* sine, Real sign, std::int64_t first,
                 std::int64_t rows, std::int64_t time, std::int64_t heads, std::int64_t size, Real* y);
  /// y = gate sigmoid(gate) up (Shazeer 2020), n values.
  void (*swiglu_forward)(const Real* gate, const Real* up, std::int64_t n, Real* y);
  void (*swiglu_backward)(const Real* gate, const Real* up, const Real* gradient, std::int64_t n, Real* dgate,
                          Real* dup);
  /// The row becomes e^(x - maximum); the softmax is that divided by the sum.
  RowSoftmax<Real> (*softmax)(Real* row, std::int64_t valid, std::int64_t width);
  void (*scale)(Real* row, std::int64_t width, Real factor);
  /// The row becomes its softmax, from what softmax() found (inverse = 1 / sum): the same bits as then.
  void (*softmax_again)(Real* row, std::int64_t valid, std::int64_t width, Real maximum, Real inverse);
  /// dL/dx from dL/dp in place, times `factor`: p (g - <p, g>).
  void (*softmax_backward)(const Real* p, Real* gradient, std::int64_t width, Real factor);
};

template <class Real>
RowKernels<Real> row_kernels(InstructionSet set);
/// Those of the best instruction set of this processor.
template <class Real>
const RowKernels<Real>& row_kernels();

/// Defined by the source file of each set.
template <InstructionSet set, class Real>
RowKernels<Real> row_kernels_of();

}  // namespace bitdarts::model
