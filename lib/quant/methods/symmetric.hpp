#pragma once
// What PACT and uniform share: codes on both sides of a zero that is not moved.
#include "quant/element.hpp"

namespace bitdarts::quant {

struct Symmetric {
  template <class V>
  BITDARTS_ELEMENT static Quantized<V> quantize(const V& x, const Constants<V>& k) {
    return to_code(V(x * k.inverse), k);
  }
  template <class V>
  BITDARTS_ELEMENT static V value(const V& code, const Constants<V>& k) {
    return k.step * code;
  }
};

}  // namespace bitdarts::quant
