#pragma once
#include <span>

namespace bitdarts::comm {

/// Sum of `parts.size()` (a power of two) equally long arrays in the order of the perfect binary tree:
/// ((0+1)+(2+3))+((4+5)+(6+7)). `sum` may be one of the parts itself.
template <class T>  // float, double
void tree_sum(std::span<const std::span<const T>> parts, std::span<T> sum);

}  // namespace bitdarts::comm
