#include "model/device_functions.hpp"

#include "quant/tensor_reference.hpp"

namespace bitdarts::model {
namespace {

at::Tensor mix_tensors(const at::Tensor& x, const InputQuantizer& quantizer) {
  return quant::mixed_forward_tensor(x, quantizer.candidates);
}

at::Tensor mixed_backward_tensors(const at::Tensor& x, const at::Tensor& gradient, InputQuantizer& quantizer,
                                  at::Tensor* mixed) {
  auto [dx, again] =
      quant::mixed_backward_tensor(x, gradient, quantizer.candidates, quantizer.sums, quantizer.measure);
  if (mixed) *mixed = again;
  return dx;
}

struct Row {
  at::DeviceType device;
  DeviceFunctions functions;
};

const Row rows[] = {{at::kCPU,
                     {host::rms_norm, host::rotary_attention, host::swiglu, host::linear_cross_entropy,
                      host::mix, host::mixed_backward}}};
const DeviceFunctions of_tensors{reference::rms_norm, reference::rotary_attention,
                                 reference::swiglu,   reference::linear_cross_entropy,
                                 mix_tensors,         mixed_backward_tensors};

}  // namespace

const DeviceFunctions& functions_of(const at::Tensor& tensor) {
  for (const Row& row : rows)
    if (row.device == tensor.device().type()) return row.functions;
  return of_tensors;
}

}  // namespace bitdarts::model
