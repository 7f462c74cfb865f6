#pragma once
#include <cstdint>

namespace bitdarts::model {

/// Sizes of one attention layer. Head h attends with the keys and values of head h kv_heads / heads (Ainslie
/// et al. 2023, grouped-query attention).
struct AttentionShape {
  std::int64_t batch, time, heads, kv_heads, size;
  std::int64_t rows() const { return batch * time; }
  std::int64_t width() const { return heads * size; }
  std::int64_t kv_width() const { return kv_heads * size; }
  /// Of the statistics that the forward keeps for the backward.
  std::int64_t statistics() const { return 2 * batch * heads * time; }
};

// Causal softmax attention, without LibTorch, in blocks of queries that stay in cache: only keys up to the
// block's last query are multiplied, and the backward computes the probabilities again instead of keeping
// time x time of them (Dao 2023, without the split over keys). Heads stand side by side in a row, as the
// projections write them: q, out [batch time, heads size], k, v [batch time, kv_heads size]. Runs on all
// threads; a head's sums are one thread's, so the result does not depend on their number.

/// out = softmax(q k^T / sqrt(size)) v. `statistics`: maximum and 1 / sum of every row of the softmax.
template <class Real>
void attention_forward(const AttentionShape& shape, const Real* q, const Real* k, const Real* v, Real* out,
                       Real* statistics);

/// dL/dq, dL/dk, dL/dv from dL/dout; what they held is overwritten.
template <class Real>
void attention_backward(const AttentionShape& shape, const Real* q, const Real* k, const Real* v,
                        const Real* statistics, const Real* dout, Real* dq, Real* dk, Real* dv);

}  // namespace bitdarts::model
