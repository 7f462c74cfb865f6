#include "comm/shard_tree.hpp"

#include <algorithm>
#include <bit>
#include <iterator>
#include <string>

#include "core/error.hpp"

namespace bitdarts::comm {
namespace {

// Of this many elements all partial sums stay in the first-level cache.
constexpr std::size_t block = 1024;
// What is announced at once goes on in pieces that stay in the second-level cache until MPI reads them.
constexpr std::size_t piece = std::size_t{1} << 16;

int checked_shards(int shards, int ranks) {
  if (shards < 1 || !std::has_single_bit(static_cast<unsigned>(shards))) {
    throw ConfigError("the number of shards is " + std::to_string(shards) + ", not a power of two",
                      "run.shards", "choose 1, 2, 4, 8 ...");
  }
  if (!std::has_single_bit(static_cast<unsigned>(ranks)) || ranks > shards) {
    throw ConfigError(
        std::to_string(ranks) + " MPI ranks cannot share " + std::to_string(shards) + " shards evenly",
        "run.shards", "start with a power of two of ranks, at most " + std::to_string(shards));
  }
  return shards;
}

}  // namespace

template <class T>
ShardTree<T>::ShardTree(const Communicator& world, int shards, std::size_t elements,
                        std::size_t bucket_elements)
    : world_(world),
      shards_(checked_shards(shards, world.size())),
      elements_(elements),
      pending_(static_cast<std::size_t>(std::countr_zero(static_cast<unsigned>(local_shards()))),
               std::vector<T>(elements)),
      exchange_(world, elements, bucket_elements) {}

template <class T>
int ShardTree<T>::local_shards() const {
  return shards_ / world_.size();
}

template <class T>
int ShardTree<T>::first_shard() const {
  return world_.rank() * local_shards();
}

template <class T>
void ShardTree<T>::check_next(std::span<const T> shard) const {
  if (shard.size() != elements_) {
    throw Error("a shard has " + std::to_string(shard.size()) + " elements, the tree sums " +
                std::to_string(elements_));
  }
  if (pushed_ == local_shards() || opened_)
    throw Error("a shard more than the " + std::to_string(local_shards()) + " of this rank");
}

// Adds a shard to all subtrees that it completes: bit k of the count says whether pending_[k] is taken, and
// one more carries like in a binary counter. The last shard completes all; their sum goes to the exchange.
template <class T>
void ShardTree<T>::fold(std::span<const T> shard, std::size_t begin, std::size_t end) {
  const auto complete = static_cast<std::size_t>(std::countr_one(static_cast<unsigned>(pushed_)));
  T* const sum = complete < pending_.size() ? pending_[complete].data() : exchange_.buffer().data();
  for (std::size_t at = begin; at < end; at += block) {
    const std::size_t stop = std::min(end, at + block);
    const T* later = shard.data();
    for (std::size_t k = 0; k < complete; ++k, later = sum) {
      const T* const earlier = pending_[k].data();
#pragma GCC ivdep
      for (std::size_t i = at; i < stop; ++i) sum[i] = earlier[i] + later[i];
    }
    if (complete == 0) std::copy(later + at, later + stop, sum + at);
  }
}

template <class T>
void ShardTree<T>::push(std::span<const T> shard) {
  check_next(shard);
  if (pushed_ + 1 == local_shards()) {
    open_last(shard);
    announce_the_rest();
  } else {
    fold(shard, 0, elements_);
    ++pushed_;
  }
}

template <class T>
void ShardTree<T>::open_last(std::span<const T> shard) {
  check_next(shard);
  if (pushed_ + 1 != local_shards()) throw Error("only the last local shard can be given in pieces");
  last_ = shard;
  opened_ = true;
}

template <class T>
void ShardTree<T>::ready(std::size_t begin, std::size_t end) {
  const auto later = std::lower_bound(announced_.begin(), announced_.end(), std::pair(begin, end));
  const bool twice = (later != announced_.begin() && std::prev(later)->second > begin) ||
                     (later != announced_.end() && later->first < end);
  if (!opened_ || begin > end || end > elements_ || twice) {
    throw Error("the elements from " + std::to_string(begin) + " to " + std::to_string(end) +
                (twice ? " are announced twice" : " are not of an opened shard"));
  }
  if (begin == end) return;
  announced_.emplace(later, begin, end);
  while (begin < end) {  // buckets count from the end
    const std::size_t from = end - std::min(end - begin, piece);
    fold(last_, from, end);
    exchange_.ready(from, end);
    end = from;
  }
}

template <class T>
void ShardTree<T>::announce_the_rest() {
  std::size_t end = 0;
  for (std::size_t i = 0; end < elements_; end = announced_[i++].second) {
    const std::size_t next = i < announced_.size() ? announced_[i].first : elements_;
    ready(end, next);  // becomes announced_[i] when there is a gap
  }
  announced_.clear();
  opened_ = false;
  ++pushed_;
}

template <class T>
std::span<T> ShardTree<T>::reduce() {
  if (opened_) announce_the_rest();
  if (pushed_ < local_shards()) {
    throw Error("only " + std::to_string(pushed_) + " of the " + std::to_string(local_shards()) +
                " shards of this rank were given");
  }
  exchange_.finish();
  pushed_ = 0;
  return exchange_.buffer();
}

template class ShardTree<float>;
template class ShardTree<double>;

}  // namespace bitdarts::comm
