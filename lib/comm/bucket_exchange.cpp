#include "comm/bucket_exchange.hpp"

#include <algorithm>
#include <array>
#include <type_traits>
#include <vector>

#include "comm/tree_sum.hpp"
#include "core/error.hpp"

namespace bitdarts::comm {
namespace {

// Few hooks come between one large parameter and the next, and each moves a bucket by one phase at most: as
// many as may be under way at once are hidden behind the work in between. Each holds one bucket of memory.
constexpr std::size_t buckets_under_way = 32;
// The counts and displacements of one bucket are MPI's ints.
constexpr std::size_t largest_bucket = std::size_t{1} << 30;

template <class T>
MPI_Datatype mpi_type() {
  return std::is_same_v<T, float> ? MPI_FLOAT : MPI_DOUBLE;
}

// How a bucket of `count` elements is cut: slice r is summed by rank r. A rank's own slice stays where it is.
struct Slices {
  std::vector<int> counts, starts;             // of all slices, in the bucket
  std::vector<int> sent;                       // counts, none to itself
  std::vector<int> received, received_starts;  // parts of the own slice, none from itself
  std::size_t own_start = 0, own_count = 0;

  Slices(const Communicator& world, std::size_t count) {
    const auto ranks = static_cast<std::size_t>(world.size()), own = static_cast<std::size_t>(world.rank());
    for (std::size_t r = 0; r < ranks; ++r) {
      starts.push_back(static_cast<int>(count * r / ranks));
      counts.push_back(static_cast<int>(count * (r + 1) / ranks) - starts.back());
    }
    own_start = static_cast<std::size_t>(starts[own]);
    own_count = static_cast<std::size_t>(counts[own]);
    sent = counts;
    sent[own] = 0;
    received.assign(ranks, counts[own]);
    received[own] = 0;
    for (std::size_t r = 0; r < ranks; ++r)
      received_starts.push_back(
          static_cast<int>((r < own ? r : r - std::min(r, std::size_t{1})) * own_count));
  }
};

bool done(MPI_Request& request) {
  int flag = 0;
  BITDARTS_MPI(MPI_Test(&request, &flag, MPI_STATUS_IGNORE));
  return flag != 0;
}

}  // namespace

template <class T>
struct BucketExchange<T>::State {
  struct Lane {  // one bucket on its way
    std::vector<T> parts;
    MPI_Request request = MPI_REQUEST_NULL;
  };
  const Communicator scatter_world, gather_world;
  const std::size_t bucket_elements;
  std::vector<T> buffer;
  std::vector<std::size_t> missing;  // by bucket: elements not yet announced
  const Slices whole, rest;          // of every bucket but the last, and of the last
  std::vector<Lane> lanes;
  std::vector<std::span<const T>> parts;
  // So many buckets have come so far, in order: filled >= scattered >= gathered >= finished.
  std::size_t filled = 0, scattered = 0, gathered = 0, finished = 0;

  State(const Communicator& world, std::size_t elements, std::size_t bucket)
      : scatter_world(world.handle()),
        gather_world(world.handle()),
        bucket_elements(bucket),
        buffer(elements),
        missing((elements + bucket - 1) / bucket),
        whole(world, bucket),
        rest(world, missing.empty() ? 0 : elements - (missing.size() - 1) * bucket),
        lanes(std::min(missing.size(), buckets_under_way)),
        parts(static_cast<std::size_t>(world.size())) {
    const auto others = static_cast<std::size_t>(world.size() - 1);
    for (Lane& one : lanes) one.parts.resize(slices(0).own_count * others);
    start_over();
  }

  void start_over() {
    for (std::size_t b = 0; b < missing.size(); ++b) missing[b] = end_of(b) - begin_of(b);
    filled = scattered = gathered = finished = 0;
  }

  std::size_t end_of(std::size_t bucket) const { return buffer.size() - bucket * bucket_elements; }
  std::size_t begin_of(std::size_t bucket) const {
    return end_of(bucket) - std::min(end_of(bucket), bucket_elements);
  }
  const Slices& slices(std::size_t bucket) const { return bucket + 1 == missing.size() ? rest : whole; }
  Lane& lane(std::size_t bucket) { return lanes[bucket % lanes.size()]; }

  void scatter(std::size_t bucket) {
    const Slices& cut = slices(bucket);
    BITDARTS_MPI(MPI_Ialltoallv(buffer.data() + begin_of(bucket), cut.sent.data(), cut.starts.data(),
                                mpi_type<T>(), lane(bucket).parts.data(), cut.received.data(),
                                cut.received_starts.data(), mpi_type<T>(), scatter_world.handle(),
                                &lane(bucket).request));
  }

  void sum_and_gather(std::size_t bucket) {
    const Slices& cut = slices(bucket);
    const auto own = std::span(buffer).subspan(begin_of(bucket) + cut.own_start, cut.own_count);
    for (std::size_t r = 0; r < parts.size(); ++r) {
      const bool here = static_cast<int>(r) == gather_world.rank();
      parts[r] = here ? own
                      : std::span(lane(bucket).parts)
                            .subspan(static_cast<std::size_t>(cut.received_starts[r]), own.size());
    }
    tree_sum<T>(parts, own);
    BITDARTS_MPI(MPI_Iallgatherv(MPI_IN_PLACE, 0, mpi_type<T>(), buffer.data() + begin_of(bucket),
                                 cut.counts.data(), cut.starts.data(), mpi_type<T>(), gather_world.handle(),
                                 &lane(bucket).request));
  }

  // Whatever can go on goes on, without waiting.
  void progress() {
    while (finished < gathered && done(lane(finished).request)) ++finished;
    while (gathered < scattered && done(lane(gathered).request)) sum_and_gather(gathered++);
    while (scattered < filled && scattered < finished + lanes.size()) scatter(scattered++);
  }
};

template <class T>
BucketExchange<T>::BucketExchange(const Communicator& world, std::size_t elements,
                                  std::size_t bucket_elements) {
  if (bucket_elements < 1 || bucket_elements > largest_bucket) {
    throw Error("a bucket of " + std::to_string(bucket_elements) + " elements is outside 1 ... 2^30");
  }
  state_ = std::make_unique<State>(world, elements, bucket_elements);
}

template <class T>
BucketExchange<T>::~BucketExchange() {
  if (state_->finished < state_->scattered) state_.release();
}

template <class T>
std::span<T> BucketExchange<T>::buffer() {
  return state_->buffer;
}

template <class T>
void BucketExchange<T>::ready(std::size_t begin, std::size_t end) {
  State& my = *state_;
  if (my.parts.size() == 1) return;
  while (begin < end) {  // from the back, bucket by bucket
    const std::size_t bucket = (my.buffer.size() - end) / my.bucket_elements;
    const std::size_t from = std::max(begin, my.begin_of(bucket));
    my.missing[bucket] -= end - from;
    end = from;
  }
  while (my.filled < my.missing.size() && my.missing[my.filled] == 0) ++my.filled;
  my.progress();
}

template <class T>
void BucketExchange<T>::finish() {
  State& my = *state_;
  if (my.parts.size() == 1) return;
  for (my.progress(); my.finished < my.missing.size(); my.progress()) {
    // The oldest that the others need something of: a sum before what has been summed.
    const std::size_t oldest = my.gathered < my.scattered ? my.gathered : my.finished;
    BITDARTS_MPI(MPI_Wait(&my.lane(oldest).request, MPI_STATUS_IGNORE));
  }
  my.start_over();
}

template class BucketExchange<float>;
template class BucketExchange<double>;

}  // namespace bitdarts::comm
