#include "comm/tree_sum.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <string>

#include "core/error.hpp"

namespace bitdarts::comm {
namespace {

// A block of every level of the tree stays in the first-level cache.
constexpr std::size_t block = 512;

// The subtree over `parts`, for `count` elements from `first` on. `sum` may be where a part is: it is written
// last.
template <class T>
void sum_block(std::span<const std::span<const T>> parts, std::size_t first, std::size_t count, T* sum) {
  const auto add = [&](const T* left, const T* right) {
#pragma GCC ivdep
    for (std::size_t i = 0; i < count; ++i) sum[i] = left[i] + right[i];
  };
  if (parts.size() == 1) {
    if (parts[0].data() + first != sum) std::copy_n(parts[0].data() + first, count, sum);
  } else if (parts.size() == 2) {
    add(parts[0].data() + first, parts[1].data() + first);
  } else {
    const std::size_t half = parts.size() / 2;
    std::array<T, block> left, right;
    sum_block<T>(parts.first(half), first, count, left.data());
    sum_block<T>(parts.last(half), first, count, right.data());
    add(left.data(), right.data());
  }
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
  for (std::size_t at = 0; at < sum.size(); at += block) {
    sum_block<T>(parts, at, std::min(block, sum.size() - at), sum.data() + at);
  }
}

template void tree_sum<float>(std::span<const std::span<const float>>, std::span<float>);
template void tree_sum<double>(std::span<const std::span<const double>>, std::span<double>);

}  // namespace bitdarts::comm
