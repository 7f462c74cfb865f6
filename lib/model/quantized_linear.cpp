#include "model/quantized_linear.hpp"

#include <algorithm>
#include <numeric>

#include "model/device_functions.hpp"

namespace bitdarts::model {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

template <class Real>
std::span<const Real> elements(const at::Tensor& tensor) {
  return {tensor.data_ptr<Real>(), static_cast<std::size_t>(tensor.numel())};
}
template <class Real>
std::span<Real> mutable_elements(const at::Tensor& tensor) {
  return {tensor.data_ptr<Real>(), static_cast<std::size_t>(tensor.numel())};
}

template <class Real>
std::vector<quant::BoundCandidate<Real>> in_precision(
    const std::vector<quant::BoundCandidate<double>>& candidates) {
  std::vector<quant::BoundCandidate<Real>> bound;
  bound.reserve(candidates.size());
  for (const auto& c : candidates) {
    bound.push_back({c.method, static_cast<Real>(c.smallest), static_cast<Real>(c.largest),
                     static_cast<Real>(c.step), static_cast<Real>(c.offset), static_cast<Real>(c.clip),
                     static_cast<Real>(c.probability)});
  }
  return bound;
}

}  // namespace

at::Tensor host::mix(const at::Tensor& x, const InputQuantizer& quantizer) {
  at::Tensor mixed = at::empty_like(x);
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "mixed_forward", [&] {
    const auto bound = in_precision<scalar_t>(quantizer.candidates);
    quant::mixed_forward<scalar_t>(elements<scalar_t>(x), bound, mutable_elements<scalar_t>(mixed));
  });
  return mixed;
}

at::Tensor host::mixed_backward(const at::Tensor& x, const at::Tensor& of_mixed, InputQuantizer& quantizer,
                                at::Tensor* mixed) {
  const at::Tensor gradient = of_mixed.contiguous();
  if (mixed) *mixed = at::empty_like(x);
  at::Tensor dx = at::empty_like(x);
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "mixed_backward", [&] {
    const auto bound = in_precision<scalar_t>(quantizer.candidates);
    const auto mixed_again = mixed ? mutable_elements<scalar_t>(*mixed) : std::span<scalar_t>{};
    if (quantizer.wants_sums) {
      quant::mixed_backward<scalar_t>(elements<scalar_t>(x), elements<scalar_t>(gradient), bound,
                                      mutable_elements<scalar_t>(dx), mixed_again, quantizer.sums,
                                      quantizer.measure);
    } else {
      const double maximum =
          quant::mixed_backward_values<scalar_t>(elements<scalar_t>(x), elements<scalar_t>(gradient), bound,
                                                 mutable_elements<scalar_t>(dx), mixed_again);
      quantizer.sums.maximum = std::max(quantizer.sums.maximum, maximum);
    }
  });
  return dx;
}

namespace {

at::Tensor mixed_backward(const at::Tensor& x, const at::Tensor& gradient, InputQuantizer& quantizer,
                          at::Tensor* mixed) {
  quantizer.sums.candidates.resize(quantizer.candidates.size());
  return functions_of(x).mixed_backward(x, gradient, quantizer, mixed);
}

// At least `least`, odd, and with no factor in common with the columns: so every column is visited in turn.
std::size_t column_stride(std::size_t least, std::size_t columns) {
  std::size_t stride = std::max<std::size_t>(1, least) | 1u;
  while (std::gcd(stride, columns) != 1) stride += 2;
  return stride;
}

void calibrate(const at::Tensor& x, InputQuantizer& quantizer) {
  constexpr std::size_t usual = 65536;  // values of a pass, about
  const at::Tensor values = x.detach().to(at::kCPU, at::kFloat).contiguous();
  const auto all = elements<float>(values);
  const auto columns = static_cast<std::size_t>(x.size(-1));
  std::size_t stride = column_stride(all.size() / usual, columns);
  if (quantizer.sample.empty()) {
    // Where all passes together would take more than the limit, the last of them would not be heard.
    const std::size_t of_pass = (all.size() + stride - 1) / stride,
                      share = quantizer.sample_limit / quantizer.sample_passes;
    if (of_pass * quantizer.sample_passes > quantizer.sample_limit && share > 0)
      quantizer.sample_stride = column_stride((all.size() + share - 1) / share, columns);
  }
  if (quantizer.sample_stride > 0) stride = quantizer.sample_stride;
  for (std::size_t i = 0; i < all.size() && quantizer.sample.size() < quantizer.sample_limit; i += stride) {
    quantizer.sample.push_back(all[i]);
  }
}

struct QuantizedLinear : torch::autograd::Function<QuantizedLinear> {
  static Variable forward(AutogradContext* context, const Variable& x, const Variable& weight,
                          InputQuantizer* quantizer) {
    context->save_for_backward({x, weight});
    context->saved_data["quantizer"] = reinterpret_cast<std::int64_t>(quantizer);
    return at::matmul(functions_of(x).mix(x, *quantizer), weight.t());
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    auto* quantizer = reinterpret_cast<InputQuantizer*>(context->saved_data["quantizer"].toInt());
    const at::Tensor g = gradients[0].contiguous();
    at::Tensor mixed;
    at::Tensor dx = mixed_backward(saved[0], at::matmul(g, saved[1]), *quantizer, &mixed);
    return {dx, at::matmul(g.t(), mixed), Variable()};
  }
};

struct QuantizedInput : torch::autograd::Function<QuantizedInput> {
  static Variable forward(AutogradContext* context, const Variable& x, InputQuantizer* quantizer) {
    context->save_for_backward({x});
    context->saved_data["quantizer"] = reinterpret_cast<std::int64_t>(quantizer);
    return functions_of(x).mix(x, *quantizer);
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    auto* quantizer = reinterpret_cast<InputQuantizer*>(context->saved_data["quantizer"].toInt());
    return {mixed_backward(context->get_saved_variables()[0], gradients[0], *quantizer, nullptr), Variable()};
  }
};

bool passes_through(const InputQuantizer& quantizer) {
  return quantizer.pass_through || (quantizer.candidates.size() == 1 &&
                                    !quant::has_codes(quant::traits(quantizer.candidates[0].method)));
}

}  // namespace

at::Tensor quantized_linear(const at::Tensor& x, const at::Tensor& weight, InputQuantizer& quantizer) {
  if (quantizer.sample_limit > 0) calibrate(x, quantizer);
  if (passes_through(quantizer)) return at::matmul(x, weight.t());
  return QuantizedLinear::apply(x.contiguous(), weight, &quantizer);
}

at::Tensor quantize_input(const at::Tensor& x, InputQuantizer& quantizer) {
  if (quantizer.sample_limit > 0) calibrate(x, quantizer);
  if (passes_through(quantizer)) return x;
  // The sums come from the backward pass, which autograd leaves out for what nobody wants a gradient of.
  const bool constant = at::GradMode::is_enabled() && !x.requires_grad();
  return QuantizedInput::apply(constant ? x.contiguous().detach().set_requires_grad(true) : x.contiguous(),
                               &quantizer);
}

}  // namespace bitdarts::model
