#pragma once
#include "model/functions.hpp"
#include "model/quantized_linear.hpp"

namespace bitdarts::model {

/// Whatever a pass computes besides matrix products: one implementation of each function a device. The
/// contracts are those of functions.hpp and quantized_linear.hpp, with sizes checked by who calls.
struct DeviceFunctions {
  at::Tensor (*rms_norm)(const at::Tensor& x, const at::Tensor& weight, double eps);
  at::Tensor (*rotary_attention)(const AttentionShape& shape, const at::Tensor& q, const at::Tensor& k,
                                 const at::Tensor& v, const at::Tensor& cosine, const at::Tensor& sine);
  at::Tensor (*swiglu)(const at::Tensor& gate, const at::Tensor& up);
  at::Tensor (*linear_cross_entropy)(const at::Tensor& hidden, const at::Tensor& head,
                                     const at::Tensor& targets, double weight);
  /// x~ = Σ_j p_j Q_j(x).
  at::Tensor (*mix)(const at::Tensor& x, const InputQuantizer& quantizer);
  /// dL/dx from G = dL/dx~, and the quantizer's sums; x~ again in `mixed` unless it is null.
  at::Tensor (*mixed_backward)(const at::Tensor& x, const at::Tensor& gradient, InputQuantizer& quantizer,
                               at::Tensor* mixed);
};

/// The table of the device that a tensor is on. A new device is a row in device_functions.cpp; those without
/// one use plain tensor operations.
const DeviceFunctions& functions_of(const at::Tensor& tensor);

/// The fused kernels of the host.
namespace host {
at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps);
at::Tensor rotary_attention(const AttentionShape& shape, const at::Tensor& q, const at::Tensor& k,
                            const at::Tensor& v, const at::Tensor& cosine, const at::Tensor& sine);
at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up);
at::Tensor linear_cross_entropy(const at::Tensor& hidden, const at::Tensor& head, const at::Tensor& targets,
                                double weight);
at::Tensor mix(const at::Tensor& x, const InputQuantizer& quantizer);
at::Tensor mixed_backward(const at::Tensor& x, const at::Tensor& gradient, InputQuantizer& quantizer,
                          at::Tensor* mixed);
}  // namespace host

}  // namespace bitdarts::model
