#pragma once
#include <cstdint>
#include <span>

#include "quant/candidate.hpp"

namespace bitdarts::quant {

/// Weights: lsq+ steps and pact clips of least squared error, found by a scan of all ranges and a compass
/// search from the best, never worse than METHOD section 2's three sigma (lsq+ max(|mu-3sigma|, |mu+3sigma|)
/// / 2^(b-1), pact without the division), which is up to 40 % too wide at 2 and 3 bits, too narrow at 8, and
/// is not mended by finetuning; uniform max|W|. All-zero or constant-zero tensors give a small positive
/// range.
Start start_for_weights(std::span<const float> values, const Candidate& candidate);

/// METHOD section 2, activations, from calibration values: lsq+ (s, beta) minimising the mean squared error,
/// started from min-max (s = (max-min)/(Qp-Qn), beta = min - Qn s) and never worse than that: a grid of
/// ranges, compass search from its best points on a sample of the values, alternating least squares on all of
/// them; pact as for weights; uniform max|x|.
Start start_for_inputs(std::span<const float> values, const Candidate& candidate);

/// The rules by which methods start (quant/methods). Error for values that are not finite.
Start start_at_least_error(std::span<const float> values, const Candidate& candidate);  ///< no offset
Start start_with_offset(std::span<const float> values, const Candidate& candidate);
Start start_at_maximum(std::span<const float> values, const Candidate& candidate);
Start start_with_nothing(std::span<const float> values, const Candidate& candidate);

}  // namespace bitdarts::quant
