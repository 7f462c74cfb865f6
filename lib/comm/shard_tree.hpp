#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "comm/communicator.hpp"

namespace bitdarts::comm {

/// Sums K virtual shards over P ranks with the same additions in the same order whatever P is, so that the
/// result is the same to the last bit on 1, 2, 4 ... ranks. K and P are powers of two, P divides K; rank r
/// owns the K/P consecutive shards from r*K/P on. The order is the perfect binary tree over the shard index:
/// local subtrees as the shards arrive (a binary counter of at most log2(K/P)+1 partial sums), then across
/// ranks per bucket: all-to-all of slices, sum of the P partial sums in tree order, all-gather (the bytes of
/// a ring all-reduce). Buckets are fixed at construction and depend on nothing but the element count:
/// `bucket_elements` from the END of the buffer backwards (gradients of the last layers are ready first).
template <class T>  // float, double
class ShardTree {
 public:
  ShardTree(const Communicator& world, int shards, std::size_t elements,
            std::size_t bucket_elements = 1u << 20);
  int local_shards() const;
  int first_shard() const;
  /// The next local shard, in order. The data are copied or added; `shard` may be reused at once.
  void push(std::span<const T> shard);
  /// After the last local shard: the sum over all K shards, on every rank. Collective. Resets for the next
  /// round.
  void reduce(std::span<T> sum);

 private:
  const Communicator& world_;
  int shards_, pushed_ = 0;
  std::size_t elements_, bucket_elements_;
  std::vector<std::vector<T>> pending_;  // pending_[k]: a finished subtree of 2^k shards, or empty
  std::vector<std::vector<T>> spare_;
};

/// Sum of `parts.size()` (a power of two) equally long arrays in the order of the perfect binary tree:
/// ((0+1)+(2+3))+((4+5)+(6+7)). Used by the tree itself and by its tests' second implementation.
template <class T>
void tree_sum(std::span<const std::span<const T>> parts, std::span<T> sum);

}  // namespace bitdarts::comm
