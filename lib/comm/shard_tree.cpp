#include "comm/shard_tree.hpp"

#include <algorithm>
#include <bit>
#include <type_traits>
#include <utility>

#include "core/error.hpp"

namespace bitdarts::comm {
namespace {

// Enough to keep the network busy while a bucket is summed; more would only take memory.
constexpr std::size_t exchanges_in_flight = 4;
// The counts and displacements of one bucket are MPI's ints.
constexpr std::size_t largest_bucket = std::size_t{1} << 30;

template <class T>
MPI_Datatype mpi_type() {
  return std::is_same_v<T, float> ? MPI_FLOAT : MPI_DOUBLE;
}

struct Range {
  std::size_t first, count;
};

// From the end of the buffer backwards: the gradients of the last layers are ready first.
std::vector<Range> buckets_of(std::size_t elements, std::size_t bucket_elements) {
  std::vector<Range> buckets;
  for (std::size_t end = elements; end > 0;) {
    const std::size_t count = std::min(end, bucket_elements);
    end -= count;
    buckets.push_back({end, count});
  }
  return buckets;
}

// One bucket on its way: every rank sums the slice of its own number and gives it to all.
template <class T>
class Exchange {
 public:
  Exchange(const Communicator& world, Range bucket) : world_(world), bucket_(bucket) {
    const auto ranks = static_cast<std::size_t>(world.size());
    for (std::size_t r = 0; r < ranks; ++r) {
      const std::size_t begin = bucket.count * r / ranks, end = bucket.count * (r + 1) / ranks;
      slice_counts_.push_back(static_cast<int>(end - begin));
      slice_starts_.push_back(static_cast<int>(begin));
    }
    mine_ = static_cast<std::size_t>(slice_counts_[static_cast<std::size_t>(world.rank())]);
    part_counts_.assign(ranks, static_cast<int>(mine_));
    for (std::size_t r = 0; r < ranks; ++r) part_starts_.push_back(static_cast<int>(r * mine_));
  }

  void start_scatter(std::span<const T> partial) {
    parts_.resize(mine_ * part_counts_.size());
    BITDARTS_MPI(MPI_Ialltoallv(partial.data() + bucket_.first, slice_counts_.data(), slice_starts_.data(),
                                mpi_type<T>(), parts_.data(), part_counts_.data(), part_starts_.data(),
                                mpi_type<T>(), world_.handle(), &request_));
  }

  void sum_and_start_gather(std::span<T> sum) {
    finish();
    const auto own_start = static_cast<std::size_t>(slice_starts_[static_cast<std::size_t>(world_.rank())]);
    std::vector<std::span<const T>> parts;
    for (std::size_t r = 0; r < part_counts_.size(); ++r)
      parts.emplace_back(parts_.data() + r * mine_, mine_);
    tree_sum<T>(parts, sum.subspan(bucket_.first + own_start, mine_));
    parts_ = {};
    BITDARTS_MPI(MPI_Iallgatherv(MPI_IN_PLACE, 0, mpi_type<T>(), sum.data() + bucket_.first,
                                 slice_counts_.data(), slice_starts_.data(), mpi_type<T>(), world_.handle(),
                                 &request_));
  }

  void finish() { BITDARTS_MPI(MPI_Wait(&request_, MPI_STATUS_IGNORE)); }

 private:
  const Communicator& world_;
  Range bucket_;
  std::vector<int> slice_counts_, slice_starts_, part_counts_,
      part_starts_;  // MPI reads them until it is done
  std::size_t mine_ = 0;
  std::vector<T> parts_;
  MPI_Request request_ = MPI_REQUEST_NULL;
};

}  // namespace

template <class T>
ShardTree<T>::ShardTree(const Communicator& world, int shards, std::size_t elements,
                        std::size_t bucket_elements)
    : world_(world), shards_(shards), elements_(elements), bucket_elements_(bucket_elements) {
  const int ranks = world.size();
  if (shards < 1 || !std::has_single_bit(static_cast<unsigned>(shards))) {
    throw ConfigError("the number of shards is " + std::to_string(shards) + ", not a power of two",
                      "run.shards", "choose 1, 2, 4, 8 ...");
  }
  if (!std::has_single_bit(static_cast<unsigned>(ranks)) || ranks > shards) {
    throw ConfigError(
        std::to_string(ranks) + " MPI ranks cannot share " + std::to_string(shards) + " shards evenly",
        "run.shards", "start with a power of two of ranks, at most " + std::to_string(shards));
  }
  if (bucket_elements < 1 || bucket_elements > largest_bucket) {
    throw Error("a bucket of " + std::to_string(bucket_elements) + " elements is outside 1 ... 2^30");
  }
  const auto levels = static_cast<std::size_t>(std::countr_zero(static_cast<unsigned>(local_shards()))) + 1;
  pending_.resize(levels);
}

template <class T>
int ShardTree<T>::local_shards() const {
  return shards_ / world_.size();
}

template <class T>
int ShardTree<T>::first_shard() const {
  return world_.rank() * local_shards();
}

template <class T>
void ShardTree<T>::push(std::span<const T> shard) {
  if (shard.size() != elements_) {
    throw Error("a shard has " + std::to_string(shard.size()) + " elements, the tree sums " +
                std::to_string(elements_));
  }
  if (pushed_ == local_shards())
    throw Error("a shard more than the " + std::to_string(pushed_) + " of this rank");
  // Bit k of the count says whether pending_[k] is taken; adding one carries like a binary counter.
  const auto add = [](std::vector<T>& earlier, std::span<const T> later) {
    for (std::size_t i = 0; i < later.size(); ++i) earlier[i] += later[i];
  };
  std::size_t level = 0;
  if (pushed_ & 1) {
    add(pending_[0], shard);
    while (pushed_ >> (level + 1) & 1) {
      add(pending_[level + 1], pending_[level]);
      spare_.push_back(std::move(pending_[level]));
      ++level;
    }
    pending_[level + 1] = std::move(pending_[level]);
    pending_[level].clear();
  } else {
    if (!spare_.empty()) {
      pending_[0] = std::move(spare_.back());
      spare_.pop_back();
    }
    pending_[0].assign(shard.begin(), shard.end());
  }
  ++pushed_;
}

template <class T>
void ShardTree<T>::reduce(std::span<T> sum) {
  if (sum.size() != elements_) {
    throw Error("the sum has " + std::to_string(sum.size()) + " elements, the tree sums " +
                std::to_string(elements_));
  }
  if (pushed_ != local_shards()) {
    throw Error("only " + std::to_string(pushed_) + " of the " + std::to_string(local_shards()) +
                " shards of this rank were given");
  }
  std::vector<T>& partial = pending_.back();
  if (world_.size() == 1) {
    std::copy(partial.begin(), partial.end(), sum.begin());
  } else {
    std::vector<Exchange<T>> exchanges;
    for (const Range bucket : buckets_of(elements_, bucket_elements_)) exchanges.emplace_back(world_, bucket);
    // Every rank starts the same collectives in the same order, whatever finishes first.
    for (std::size_t i = 0; i < exchanges.size() + exchanges_in_flight; ++i) {
      if (i >= exchanges_in_flight) exchanges[i - exchanges_in_flight].sum_and_start_gather(sum);
      if (i < exchanges.size()) exchanges[i].start_scatter(partial);
    }
    for (auto& exchange : exchanges) exchange.finish();
  }
  spare_.push_back(std::move(partial));
  partial.clear();
  pushed_ = 0;
}

template class ShardTree<float>;
template class ShardTree<double>;

}  // namespace bitdarts::comm
