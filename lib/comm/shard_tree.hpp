#pragma once
#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "comm/bucket_exchange.hpp"
#include "comm/communicator.hpp"

namespace bitdarts::comm {

/// Sums K virtual shards over P ranks with the same additions in the same order whatever P is, so that the
/// result is the same to the last bit on 1, 2, 4 ... ranks. K and P are powers of two, P divides K; rank r
/// owns the K/P consecutive shards from r*K/P on. The order is the perfect binary tree over the shard index:
/// local subtrees as the shards arrive (a binary counter of log2(K/P) partial sums), then across ranks by
/// BucketExchange. The last local shard may be given in pieces as they become final: a bucket is on its way
/// as soon as it is complete, while the rest is still being computed.
template <class T>  // float, double
class ShardTree {
 public:
  /// Elements of a bucket. Measured with 2 and 4 ranks, 2^15 to 2^18 differ by little (2^20 is slower). A
  /// message is a P-th of a bucket: among many ranks buckets grow, so that messages stay above 2^14 elements.
  /// The sums do not depend on it.
  static constexpr std::size_t default_bucket(int ranks) {
    return std::max(std::size_t{1} << 18, static_cast<std::size_t>(ranks) << 14);
  }

  /// Collective.
  ShardTree(const Communicator& world, int shards, std::size_t elements, std::size_t bucket_elements);
  ShardTree(const Communicator& world, int shards, std::size_t elements)
      : ShardTree(world, shards, elements, default_bucket(world.size())) {}
  int local_shards() const;
  int first_shard() const;
  /// The next local shard, in order. The data are copied or added; `shard` may be reused at once. (The last
  /// one starts the exchange.)
  void push(std::span<const T> shard);
  /// Instead of the last push: a shard of which nothing is final yet. The data must stay until reduce().
  void open_last(std::span<const T> shard);
  /// The elements [begin, end) of the opened shard are final; each is announced once, in any order.
  void ready(std::size_t begin, std::size_t end);
  /// After the last local shard, of which everything is final now: the sum over all K shards, on every rank.
  /// It lies in the tree and is the caller's until the last shard of the next round. Collective.
  std::span<T> reduce();

 private:
  void check_next(std::span<const T> shard) const;
  void fold(std::span<const T> shard, std::size_t begin, std::size_t end);
  void announce_the_rest();

  const Communicator& world_;
  int shards_, pushed_ = 0;
  std::size_t elements_;
  std::vector<std::vector<T>>
      pending_;  // pending_[k]: a finished subtree of 2^k shards, where bit k of pushed_ is 1
  bool opened_ = false;
  std::span<const T> last_;                                     // the opened shard
  std::vector<std::pair<std::size_t, std::size_t>> announced_;  // of it, in order of the elements
  BucketExchange<T> exchange_;
};

}  // namespace bitdarts::comm
