#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "model/layout.hpp"
#include "model/transformer.hpp"
#include "quant/bank.hpp"

namespace bitdarts::model {

// The weights as a forward pass multiplies with them: all parameters as they lie, those of quantized layers
// replaced by what they quantize to. A quantized output head may share its matrix with the embedding, which
// stays as it is: its W~ stands behind the parameters.

/// Elements of all of it: layout.total, and those of a quantized output head once more.
std::size_t effective_size(const ParameterLayout& layout);
/// Where the effective weight of a quantizable layer begins.
std::size_t effective_begin(const ParameterLayout& layout, std::size_t linear);

/// The weight of a quantizable layer among all parameters, [out, in].
template <class Real>
std::span<const Real> weight_of(const ParameterLayout& layout, std::span<const Real> parameters,
                                std::size_t linear) {
  const Parameter& p = layout.weight(linear);
  return parameters.subspan(p.begin, p.size);
}

/// W~ for every quantizable layer, the weight's own maxima taken first (uniform); `bank` null: the weights
/// themselves. `effective` [effective_size].
template <class Real>  // float, double
void make_effective(const ParameterLayout& layout, std::span<const Real> parameters, quant::Bank* bank,
                    std::span<Real> effective);

/// The input quantizers of a bank as they are now.
InputQuantizers input_quantizers(const quant::Bank& bank);

/// A flat array on a device, with views of its parts; the host sees it through a copy where it lies
/// elsewhere.
template <class Real>  // float, double
class ParameterBuffer {
 public:
  /// All zero.
  ParameterBuffer(std::size_t elements, const at::Device& device);
  at::Tensor view(std::size_t begin, const std::vector<std::int64_t>& shape) const;
  void clear() { flat_.zero_(); }
  /// `write` gets `elements` numbers on the host to write into; they are then on the device.
  template <class Write>
  void fill(const Write& write) {
    const at::NoGradGuard no_grad;
    at::Tensor host = on_host() ? flat_ : at::empty(flat_.sizes(), flat_.options().device(at::kCPU));
    write(std::span<Real>(host.data_ptr<Real>(), static_cast<std::size_t>(host.numel())));
    if (!on_host()) flat_.copy_(host);
  }
  /// What is there now, on the host: the array itself, or a copy of it.
  at::Tensor on_host_now() const { return on_host() ? flat_ : flat_.cpu(); }
  bool on_host() const { return flat_.is_cpu(); }

 private:
  at::Tensor flat_;
};

}  // namespace bitdarts::model
