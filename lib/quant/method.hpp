#pragma once
#include <span>

#include "quant/element_function.hpp"

namespace bitdarts::quant {

/// What quantizes: an index into the table of quant/methods/table.hpp, whose rows are one file each.
enum class Method { lsq_plus, pact, uniform, identity };

/// What the one number is that a method keeps as its range.
enum class Range {
  none,    ///< nothing: the values go through unchanged
  step,    ///< the step s, trained with LSQ's gradient scale
  clip,    ///< the clip a = s Qp, trained, with decay
  maximum  ///< m = max |x| = s Qp, measured and not trained
};

struct Candidate;

/// Starting values of what a candidate learns: its range (step, clip or maximum), and the offset.
struct Start {
  double range = 1;
  double offset = 0;
};
/// How a candidate starts from the values it is to quantize (quant/initialise.hpp).
using StartRule = Start(std::span<const float> values, const Candidate& candidate);

/// A row of the table of methods: all that is known of one, except its arithmetic, without naming it.
struct MethodTraits {
  Method method = Method::identity;
  const char* name = "";         ///< as in "lsq+:4"
  char letter = ' ';             ///< for pictures
  Range range = Range::none;     ///< what θ holds for it
  bool lowest_code = false;      ///< Qn = -2^(b-1) instead of -Qp
  bool input_offset = false;     ///< learns an offset β for inputs; weights have none
  StartRule* weights = nullptr;  ///< start on a weight
  StartRule* inputs = nullptr;   ///< start on an input
};

BITDARTS_ELEMENT constexpr bool has_codes(const MethodTraits& traits) { return traits.range != Range::none; }
BITDARTS_ELEMENT constexpr bool is_trained(Range range) {
  return range == Range::step || range == Range::clip;
}
/// Numbers of 32 bits that the quantizer of an input is stored with: its range, and the offset.
BITDARTS_ELEMENT constexpr int input_numbers(const MethodTraits& traits) {
  return (has_codes(traits) ? 1 : 0) + (traits.input_offset ? 1 : 0);
}

}  // namespace bitdarts::quant
