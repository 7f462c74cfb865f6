#pragma once
#include <cstddef>
#include <memory>
#include <span>

#include "comm/communicator.hpp"

namespace bitdarts::comm {

/// Sums one buffer over P ranks (a power of two) in the order of the perfect binary tree over the ranks,
/// bucket by bucket, while the buffer is still being filled. Buckets depend on nothing but the element count:
/// `bucket_elements` from the END of the buffer backwards (gradients of the last layers are ready first).
/// A bucket goes by non-blocking collectives: all-to-all of slices, sum of the P slices of this rank's
/// number, all-gather: the bytes of a ring all-reduce. Every rank starts them in the order of the buckets,
/// the two kinds on a communicator each, so that neither order depends on what arrives when.
template <class T>  // float, double
class BucketExchange {
 public:
  /// Collective.
  BucketExchange(const Communicator& world, std::size_t elements, std::size_t bucket_elements);
  /// Destroyed on its way (after an error), it leaves its memory to MPI, which may still write there.
  ~BucketExchange();

  /// To be filled with this rank's part; after finish() the sum. Announced elements belong to MPI in between.
  std::span<T> buffer();
  /// The elements [begin, end) of the buffer are filled (each once). Starts, tests and sums what it can, and
  /// never waits.
  void ready(std::size_t begin, std::size_t end);
  /// After all elements were announced: waits until the buffer holds the sum. Collective.
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bitdarts::comm
