#pragma once
// The table of quantization methods. A new one is a file in this folder, a name in `enum Method` and in
// config::method_names, and a row here, in the same order; the tests of quant loop over the rows.
#include <array>

#include "quant/methods/identity.hpp"
#include "quant/methods/lsq_plus.hpp"
#include "quant/methods/pact.hpp"
#include "quant/methods/uniform.hpp"

namespace bitdarts::quant {

template <class... M>
struct MethodList {
  static constexpr std::array<MethodTraits, sizeof...(M)> rows{M::traits...};
};
using Methods = MethodList<LsqPlus, Pact, Uniform, Identity>;

static_assert([] {
  for (std::size_t i = 0; i < Methods::rows.size(); ++i)
    if (Methods::rows[i].method != static_cast<Method>(i)) return false;
  return true;
}());

/// work.template operator()<M>() for the M whose method this is.
template <class Work, class First, class... Rest>
BITDARTS_ELEMENT auto with_method(Method method, const Work& work, MethodList<First, Rest...>) {
  if constexpr (sizeof...(Rest) > 0) {
    if (method != First::traits.method) return with_method(method, work, MethodList<Rest...>{});
  }
  return work.template operator()<First>();
}
template <class Work>
BITDARTS_ELEMENT auto with_method(Method method, const Work& work) {
  return with_method(method, work, Methods{});
}

}  // namespace bitdarts::quant
