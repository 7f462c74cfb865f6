#pragma once
#include <cstdint>

namespace bitdarts::model {

// Row-wise kernels of the network, without LibTorch. Sums run in a fixed number of lanes, so the compiler may
// vectorise them and the result is the same on every instruction set.

/// y = x r w with r = 1 / sqrt(mean(x^2) + eps), row by row. x, y [rows, width], weight [width], inverse_rms
/// [rows] (kept for the backward).
template <class Real>
void rms_norm_forward(const Real* x, const Real* weight, double eps, std::int64_t rows, std::int64_t width,
                      Real* y, Real* inverse_rms);

/// dx = r (g w) - x r^3 / width <g w, x>, dw = sum over rows of g x r. `dweight` [width] is overwritten.
template <class Real>
void rms_norm_backward(const Real* x, const Real* weight, const Real* inverse_rms, const Real* gradient,
                       std::int64_t rows, std::int64_t width, Real* dx, Real* dweight);

/// Rotary embedding, half-split: (a, b) -> (a cos - b sin, b cos + a sin), a and b the two halves of a head.
/// `direction` +1, or -1 for the inverse rotation, which is the backward. x is [batch, time, heads, size]
/// when `split` (heads apart) and y [batch, heads, time, size]; the other way round when not. cosine, sine
/// [time, size].
template <class Real>
void rotate(const Real* x, const Real* cosine, const Real* sine, int direction, bool split,
            std::int64_t batch, std::int64_t time, std::int64_t heads, std::int64_t size, Real* y);

}  // namespace bitdarts::model
