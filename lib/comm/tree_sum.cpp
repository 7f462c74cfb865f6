#include <algorithm>
#include <array>
#include <bit>

#include "comm/shard_tree.hpp"
#include "core/error.hpp"

namespace bitdarts::comm {
namespace {

// A block of every level of the tree stays in the first-level cache.
constexpr std::size_t block = 512;

template <class T>
using Block = std::array<T, block>;

// The subtree over `parts`, for `count` elements from `first` on. `scratch` has one block per level.
template <class T>
void sum_block(std::span<const std::span<const T>> parts, std::size_t first, std::size_t count, T* sum,
               Block<T>* scratch) {
  if (parts.size() == 1) {
    std::copy_n(parts[0].data() + first, count, sum);
    return;
  }
  const std::size_t half = parts.size() / 2;
  T* right = scratch->data();
  sum_block<T>(parts.first(half), first, count, sum, scratch + 1);
  sum_block<T>(parts.last(half), first, count, right, scratch + 1);
  for (std::size_t i = 0; i < count; ++i) sum[i] += right[i];
}

}  // namespace

template <class T>
void tree_sum(std::span<const std::span<const T>> parts, std::span<T> sum) {
  if (!std::has_single_bit(parts.size())) {
    throw Error("tree_sum needs a power of two of parts, not " + std::to_string(parts.size()));
  }
  for (const auto& part : parts) {
    if (part.size() != sum.size()) {
      throw Error("tree_sum: a part has " + std::to_string(part.size()) + " elements, the sum has " +
                  std::to_string(sum.size()));
    }
  }
  std::vector<Block<T>> scratch(static_cast<std::size_t>(std::countr_zero(parts.size())) + 1);
  for (std::size_t at = 0; at < sum.size(); at += block) {
    sum_block<T>(parts, at, std::min(block, sum.size() - at), sum.data() + at, scratch.data());
  }
}

template void tree_sum<float>(std::span<const std::span<const float>>, std::span<float>);
template void tree_sum<double>(std::span<const std::span<const double>>, std::span<double>);

}  // namespace bitdarts::comm
