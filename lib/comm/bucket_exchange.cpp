#include "comm/bucket_exchange.hpp"

#include <algorithm>
#include <string>
#include <type_traits>
#include <vector>

#include "comm/tree_sum.hpp"
#include "core/error.hpp"

namespace bitdarts::comm {
namespace {

// Between one hook and the next a bucket moves by one phase at most: what is to be hidden behind the work in
// between must be under way at once. Each bucket waiting for its slices holds up to a bucket of memory.
constexpr std::size_t most_waiting = 64;
// The counts and displacements of one bucket are MPI's ints.
constexpr std::size_t largest_bucket = std::size_t{1} << 30;

template <class T>
MPI_Datatype mpi_type() {
  return std::is_same_v<T, float> ? MPI_FLOAT : MPI_DOUBLE;
}

// How a bucket of `count` elements is cut: slice r is summed by rank r. A rank's own slice stays where it is.
struct Slices {
  std::vector<int> counts, starts;             // of all slices, in the bucket
  std::vector<int> sent;                       // counts, but nothing to itself
  std::vector<int> received, received_starts;  // of the own slice of the others, one after another
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
      received_starts.push_back(static_cast<int>((r > own ? r - 1 : r) * own_count));
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
  const Communicator scatter_world, gather_world;
  const std::size_t bucket_elements;
  std::vector<T> buffer;
  std::vector<std::size_t> missing;    // by bucket: elements not yet announced
  const Slices whole, rest;            // of every bucket but the last, and of the last
  std::vector<MPI_Request> requests;   // by bucket, of the phase it is in
  std::vector<T*> received;            // by bucket: where its slices arrive
  std::vector<std::vector<T>> places;  // where slices can arrive,
  std::vector<T*> free_places;         // and where they can now; taken from the back, still in the cache
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
        requests(missing.size(), MPI_REQUEST_NULL),
        received(missing.size()),
        places(std::min(missing.size(), most_waiting)),
        parts(static_cast<std::size_t>(world.size())) {
    // The shorter bucket at the end may well give this rank the longer slice.
    const std::size_t longest = missing.empty() ? 0 : std::max(slices(0).own_count, rest.own_count);
    for (auto& place : places) {
      place.resize(longest * (parts.size() - 1));
      free_places.push_back(place.data());
    }
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

  void scatter(std::size_t bucket) {
    const Slices& cut = slices(bucket);
    received[bucket] = free_places.back();
    free_places.pop_back();
    BITDARTS_MPI(MPI_Ialltoallv(buffer.data() + begin_of(bucket), cut.sent.data(), cut.starts.data(),
                                mpi_type<T>(), received[bucket], cut.received.data(),
                                cut.received_starts.data(), mpi_type<T>(), scatter_world.handle(),
                                &requests[bucket]));
  }

  void sum_and_gather(std::size_t bucket) {
    const Slices& cut = slices(bucket);
    const auto own = std::span(buffer).subspan(begin_of(bucket) + cut.own_start, cut.own_count);
    for (std::size_t r = 0; r < parts.size(); ++r)
      parts[r] = {received[bucket] + cut.received_starts[r], own.size()};
    parts[static_cast<std::size_t>(gather_world.rank())] = own;
    tree_sum<T>(parts, own);
    free_places.push_back(received[bucket]);
    BITDARTS_MPI(MPI_Iallgatherv(MPI_IN_PLACE, 0, mpi_type<T>(), buffer.data() + begin_of(bucket),
                                 cut.counts.data(), cut.starts.data(), mpi_type<T>(), gather_world.handle(),
                                 &requests[bucket]));
  }

  // Whatever can go on goes on, without waiting.
  void progress() {
    while (finished < gathered && done(requests[finished])) ++finished;
    while (gathered < scattered && done(requests[gathered])) sum_and_gather(gathered++);
    while (scattered < filled && !free_places.empty()) scatter(scattered++);
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
    BITDARTS_MPI(MPI_Wait(&my.requests[oldest], MPI_STATUS_IGNORE));
  }
  my.start_over();
}

template class BucketExchange<float>;
template class BucketExchange<double>;

}  // namespace bitdarts::comm
