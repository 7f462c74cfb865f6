#include "model/attention.hpp"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "model/gemm.hpp"
#include "model/row_kernel.hpp"

namespace bitdarts::model {
namespace {

// Queries of a block: their scores fill a part of the second-level cache, and little is multiplied in vain.
constexpr std::int64_t block_rows = 64;

// The keys of one head group in one sequence, and the queries of one of its heads.
struct Head {
  std::int64_t query, key, statistics;  // where they begin
};
Head head_of(const AttentionShape& s, std::int64_t sequence, std::int64_t kv_head, std::int64_t member) {
  const std::int64_t head = kv_head * (s.heads / s.kv_heads) + member;
  return {sequence * s.time * s.width() + head * s.size, sequence * s.time * s.kv_width() + kv_head * s.size,
          2 * (sequence * s.heads + head) * s.time};
}

// visit(head, first query, number of queries, number of keys that they see) for every block; blocks that
// share keys are visited one after another by one thread, which first calls start(head).
template <class Real, class Start, class Visit>
void each_block(const AttentionShape& s, std::size_t buffers, const Start& start, const Visit& visit) {
  const std::int64_t groups = s.batch * s.kv_heads;
  // Made here, for nothing may be thrown where the threads are.
  const std::size_t per_thread = buffers * static_cast<std::size_t>(block_rows * padded<Real>(s.time));
  const std::unique_ptr<Real[]> scratch(
      new Real[per_thread * static_cast<std::size_t>(omp_get_max_threads())]);
#pragma omp parallel for schedule(static)
  for (std::int64_t group = 0; group < groups; ++group) {
    Real* const mine = scratch.get() + per_thread * static_cast<std::size_t>(omp_get_thread_num());
    start(head_of(s, group / s.kv_heads, group % s.kv_heads, 0));
    for (std::int64_t member = 0; member < s.heads / s.kv_heads; ++member) {
      const Head head = head_of(s, group / s.kv_heads, group % s.kv_heads, member);
      for (std::int64_t first = 0; first < s.time; first += block_rows) {
        const std::int64_t rows = std::min(block_rows, s.time - first);
        visit(head, first, rows, first + rows, mine);
      }
    }
  }
}

}  // namespace

template <class Real>
void attention_forward(const AttentionShape& s, const Real* q, const Real* k, const Real* v, Real* out,
                       Real* statistics) {
  const auto& kernel = row_kernels<Real>();
  const Real scale = static_cast<Real>(1.0 / std::sqrt(static_cast<double>(s.size)));
  const auto block = [&](const Head& head, std::int64_t first, std::int64_t rows, std::int64_t keys,
                         Real* scores) {
    const std::int64_t stride = padded<Real>(keys), begin = head.query + first * s.width();
    gemm(Transpose::no, Transpose::yes, rows, keys, s.size, scale, q + begin, s.width(), k + head.key,
         s.kv_width(), Real(0), scores, stride);
    Real* kept = statistics + head.statistics + 2 * first;
    for (std::int64_t r = 0; r < rows; ++r) {
      const auto row = kernel.softmax(scores + r * stride, first + r + 1, stride);
      kept[2 * r] = row.maximum;
      kept[2 * r + 1] = Real(1) / row.sum;
    }
    gemm(Transpose::no, Transpose::no, rows, s.size, keys, Real(1), scores, stride, v + head.key,
         s.kv_width(), Real(0), out + begin, s.width());
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t i = 0; i < s.size; ++i) out[begin + r * s.width() + i] *= kept[2 * r + 1];
  };
  each_block<Real>(
      s, 1, [](const Head&) {}, block);
}

template <class Real>
void attention_backward(const AttentionShape& s, const Real* q, const Real* k, const Real* v,
                        const Real* statistics, const Real* dout, Real* dq, Real* dk, Real* dv) {
  const auto& kernel = row_kernels<Real>();
  const Real scale = static_cast<Real>(1.0 / std::sqrt(static_cast<double>(s.size)));
  const auto clear = [&](const Head& head) {
    for (std::int64_t t = 0; t < s.time; ++t) {
      std::fill_n(dk + head.key + t * s.kv_width(), s.size, Real(0));
      std::fill_n(dv + head.key + t * s.kv_width(), s.size, Real(0));
    }
  };
  const auto block = [&](const Head& head, std::int64_t first, std::int64_t rows, std::int64_t keys,
                         Real* scratch) {
    const std::int64_t stride = padded<Real>(keys), begin = head.query + first * s.width();
    Real *p = scratch, *dscores = scratch + block_rows * stride;
    const Real* kept = statistics + head.statistics + 2 * first;
    gemm(Transpose::no, Transpose::yes, rows, keys, s.size, scale, q + begin, s.width(), k + head.key,
         s.kv_width(), Real(0), p, stride);
    gemm(Transpose::no, Transpose::yes, rows, keys, s.size, Real(1), dout + begin, s.width(), v + head.key,
         s.kv_width(), Real(0), dscores, stride);
    for (std::int64_t r = 0; r < rows; ++r) {
      // What pads dscores is no number of anybody's.
      std::fill(dscores + r * stride + keys, dscores + (r + 1) * stride, Real(0));
      kernel.softmax_again(p + r * stride, first + r + 1, stride, kept[2 * r], kept[2 * r + 1]);
      kernel.softmax_backward(p + r * stride, dscores + r * stride, stride, scale);
    }
    gemm(Transpose::yes, Transpose::no, keys, s.size, rows, Real(1), p, stride, dout + begin, s.width(),
         Real(1), dv + head.key, s.kv_width());
    gemm(Transpose::yes, Transpose::no, keys, s.size, rows, Real(1), dscores, stride, q + begin, s.width(),
         Real(1), dk + head.key, s.kv_width());
    gemm(Transpose::no, Transpose::no, rows, s.size, keys, Real(1), dscores, stride, k + head.key,
         s.kv_width(), Real(0), dq + begin, s.width());
  };
  each_block<Real>(s, 2, clear, block);
}

#define BITDARTS_INSTANTIATE(Real)                                                                           \
  template void attention_forward<Real>(const AttentionShape&, const Real*, const Real*, const Real*, Real*, \
                                        Real*);                                                              \
  template void attention_backward<Real>(const AttentionShape&, const Real*, const Real*, const Real*,       \
                                         const Real*, const Real*, Real*, Real*, Real*);
BITDARTS_INSTANTIATE(float)
BITDARTS_INSTANTIATE(double)
#undef BITDARTS_INSTANTIATE

}  // namespace bitdarts::model
