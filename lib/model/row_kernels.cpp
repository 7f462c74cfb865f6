#include "model/row_kernels.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace bitdarts::model {
namespace {

constexpr std::int64_t lanes = 16;

// sum_i term(i), i < n, in lanes that are added in order.
template <class Real, class Term>
inline Real lane_sum(std::int64_t n, Term term) {
  Real sums[lanes] = {};
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    for (std::int64_t l = 0; l < lanes; ++l) sums[l] += term(i + l);
  }
  for (; i < n; ++i) sums[i % lanes] += term(i);
  Real total = 0;
  for (const Real s : sums) total += s;
  return total;
}

}  // namespace

template <class Real>
void rms_norm_forward(const Real* x, const Real* weight, double eps, std::int64_t rows, std::int64_t width,
                      Real* y, Real* inverse_rms) {
  for (std::int64_t r = 0; r < rows; ++r, x += width, y += width) {
    const Real square = lane_sum<Real>(width, [x](std::int64_t i) { return x[i] * x[i]; });
    const Real inverse = Real(1) / std::sqrt(square / static_cast<Real>(width) + static_cast<Real>(eps));
    inverse_rms[r] = inverse;
    for (std::int64_t i = 0; i < width; ++i) y[i] = x[i] * inverse * weight[i];
  }
}

template <class Real>
void rms_norm_backward(const Real* x, const Real* weight, const Real* inverse_rms, const Real* gradient,
                       std::int64_t rows, std::int64_t width, Real* dx, Real* dweight) {
  std::fill_n(dweight, width, Real(0));
  for (std::int64_t r = 0; r < rows; ++r, x += width, gradient += width, dx += width) {
    const Real inverse = inverse_rms[r];
    const Real dot = lane_sum<Real>(width, [=](std::int64_t i) { return gradient[i] * weight[i] * x[i]; });
    const Real along = dot * inverse * inverse * inverse / static_cast<Real>(width);
    for (std::int64_t i = 0; i < width; ++i) {
      dx[i] = inverse * gradient[i] * weight[i] - along * x[i];
      dweight[i] += gradient[i] * x[i] * inverse;
    }
  }
}

template <class Real>
void rotate(const Real* x, const Real* cosine, const Real* sine, int direction, bool split,
            std::int64_t batch, std::int64_t time, std::int64_t heads, std::int64_t size, Real* y) {
  const std::int64_t half = size / 2;
  const Real sign = static_cast<Real>(direction);
  for (std::int64_t b = 0; b < batch; ++b) {
    for (std::int64_t t = 0; t < time; ++t) {
      const Real* c = cosine + t * size;
      const Real* s = sine + t * size;
      for (std::int64_t h = 0; h < heads; ++h) {
        const std::int64_t by_time = ((b * time + t) * heads + h) * size,
                           by_head = ((b * heads + h) * time + t) * size;
        const Real* from = x + (split ? by_time : by_head);
        Real* to = y + (split ? by_head : by_time);
        for (std::int64_t i = 0; i < half; ++i) {
          to[i] = from[i] * c[i] - sign * from[i + half] * s[i];
          to[i + half] = from[i + half] * c[i] + sign * from[i] * s[i];
        }
      }
    }
  }
}

#define BITDARTS_INSTANTIATE(Real)                                                                          \
  template void rms_norm_forward<Real>(const Real*, const Real*, double, std::int64_t, std::int64_t, Real*, \
                                       Real*);                                                              \
  template void rms_norm_backward<Real>(const Real*, const Real*, const Real*, const Real*, std::int64_t,   \
                                        std::int64_t, Real*, Real*);                                        \
  template void rotate<Real>(const Real*, const Real*, const Real*, int, bool, std::int64_t, std::int64_t,  \
                             std::int64_t, std::int64_t, Real*);
BITDARTS_INSTANTIATE(float)
BITDARTS_INSTANTIATE(double)
#undef BITDARTS_INSTANTIATE

}  // namespace bitdarts::model
