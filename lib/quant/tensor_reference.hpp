#pragma once
// The mixed quantizer in LibTorch tensor operations: the readable implementation that autograd can be asked
// about, and the one that runs where the fused kernel does not (CUDA).
#include "model/torch.hpp"
#include "quant/mixed.hpp"

namespace bitdarts::quant {

/// Q_j(x) with straight-through gradients recorded by autograd exactly as METHOD section 2 states them;
/// `range` and `offset` are scalar tensors (step, clip or maximum).
at::Tensor quantize_with_ste(const at::Tensor& x, const Candidate& candidate, const at::Tensor& range,
                             const at::Tensor& offset);

/// The contracts of mixed_forward / mixed_backward on tensors of any device (float32 or float64). Returns
/// mixed.
at::Tensor mixed_forward_tensor(const at::Tensor& x, std::span<const BoundCandidate<double>> candidates);
/// Returns {dx, mixed}; adds to `sums`.
std::pair<at::Tensor, at::Tensor> mixed_backward_tensor(const at::Tensor& x, const at::Tensor& gradient,
                                                        std::span<const BoundCandidate<double>> candidates,
                                                        MixedSums& sums,
                                                        ErrorMeasure measure = ErrorMeasure::relative);

}  // namespace bitdarts::quant
