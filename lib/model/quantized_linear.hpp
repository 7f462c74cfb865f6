#pragma once
#include <vector>

#include "model/torch.hpp"
#include "quant/mixed.hpp"

namespace bitdarts::model {

/// What one input site needs in a forward and backward pass, and what the pass leaves behind. The candidates
/// are fixed for the whole optimisation step; the sums are those of the current shard.
struct InputQuantizer {
  std::vector<quant::BoundCandidate<double>> candidates;
  quant::MixedSums sums;
  bool wants_sums = true;  ///< false: a backward pass leaves only the maximum in `sums`
  quant::ErrorMeasure measure = quant::ErrorMeasure::relative;  ///< of the error sums
  std::vector<float>
      sample;  ///< calibration: values seen, at most sample_limit, evenly spread over the tensor
  std::size_t sample_limit = 0;   ///< 0: no calibration
  std::size_t sample_passes = 1;  ///< passes that the sample is to be spread over, the first the largest
  std::size_t sample_stride = 0;  ///< of every pass; 0: each finds its own
  bool pass_through = false;      ///< calibration and full precision: x goes through unchanged
};

/// y = x~ W^T with x~ = Σ_j p_j Q_j(x) (METHOD section 1). x [tokens, in], weight [out, in] (already mixed),
/// y [tokens, out]. Keeps only x: the backward recomputes x~ for dL/dW~ and adds the site's sums (METHOD
/// section 3).
at::Tensor quantized_linear(const at::Tensor& x, const at::Tensor& weight, InputQuantizer& quantizer);

/// x~ alone, for an input that several layers share (quantized once).
at::Tensor quantize_input(const at::Tensor& x, InputQuantizer& quantizer);

}  // namespace bitdarts::model
