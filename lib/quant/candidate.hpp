#pragma once
#include <string>
#include <vector>

#include "quant/method.hpp"

namespace bitdarts::quant {

/// A quantizer at a width: what the search chooses between. `fp32` is the identity and the only 32-bit
/// candidate (METHOD section 1).
struct Candidate {
  Method method = Method::identity;
  int bits = 32;
  bool operator==(const Candidate&) const = default;
};

/// "lsq+:4" "pact:8" "uniform:16" "fp32"; widths 2 to 16. ConfigError naming what is wrong, and `where`,
/// otherwise.
Candidate parse_candidate(const std::string& text, const std::string& where = {});
/// A list without repetitions (a candidate named twice would start with twice the probability); ConfigError
/// otherwise.
std::vector<Candidate> parse_candidates(const std::vector<std::string>& texts);
/// The method's row in the table of quant/methods.
const MethodTraits& traits(Method method);
inline bool has_codes(const Candidate& candidate) { return has_codes(traits(candidate.method)); }
/// "lsq+", "pact", "uniform", "fp32".
std::string to_string(Method method);
std::string to_string(const Candidate& candidate);

/// Qp = 2^(b-1) - 1. Error where the method has no codes.
double largest_code(const Candidate& candidate);
/// Qn = -2^(b-1) where the method uses the lowest code (lsq+), else -Qp.
double smallest_code(const Candidate& candidate);

}  // namespace bitdarts::quant
