#include "model/functions.hpp"

#include "model/row_kernels.hpp"

namespace bitdarts::model {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

struct RmsNorm : torch::autograd::Function<RmsNorm> {
  static Variable forward(AutogradContext* context, const Variable& x, const Variable& weight, double eps) {
    const std::int64_t width = x.size(-1), rows = x.numel() / width;
    at::Tensor y = at::empty_like(x), inverse = at::empty({rows}, x.options());
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "rms_norm", [&] {
      rms_norm_forward<scalar_t>(x.data_ptr<scalar_t>(), weight.data_ptr<scalar_t>(), eps, rows, width,
                                 y.data_ptr<scalar_t>(), inverse.data_ptr<scalar_t>());
    });
    context->save_for_backward({x, weight, inverse});
    return y;
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor gradient = gradients[0].contiguous();
    const std::int64_t width = saved[0].size(-1), rows = saved[0].numel() / width;
    at::Tensor dx = at::empty_like(saved[0]), dweight = at::empty_like(saved[1]);
    AT_DISPATCH_FLOATING_TYPES(gradient.scalar_type(), "rms_norm_backward", [&] {
      rms_norm_backward<scalar_t>(saved[0].data_ptr<scalar_t>(), saved[1].data_ptr<scalar_t>(),
                                  saved[2].data_ptr<scalar_t>(), gradient.data_ptr<scalar_t>(), rows, width,
                                  dx.data_ptr<scalar_t>(), dweight.data_ptr<scalar_t>());
    });
    return {dx, dweight, Variable()};
  }
};

struct Rotary : torch::autograd::Function<Rotary> {
  static Variable forward(AutogradContext* context, const Variable& x, const at::Tensor& cosine,
                          const at::Tensor& sine) {
    context->save_for_backward({cosine, sine});
    return turn(x, cosine, sine, +1, x.size(0), x.size(1), x.size(2), x.size(3));
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor g = gradients[0].contiguous();
    return {turn(g, saved[0], saved[1], -1, g.size(0), g.size(2), g.size(1), g.size(3)), Variable(),
            Variable()};
  }
  static at::Tensor turn(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine, int direction,
                         std::int64_t batch, std::int64_t time, std::int64_t heads, std::int64_t size) {
    const bool split = direction > 0;
    at::Tensor y = split ? at::empty({batch, heads, time, size}, x.options())
                         : at::empty({batch, time, heads, size}, x.options());
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "rotary", [&] {
      rotate<scalar_t>(x.data_ptr<scalar_t>(), cosine.data_ptr<scalar_t>(), sine.data_ptr<scalar_t>(),
                       direction, split, batch, time, heads, size, y.data_ptr<scalar_t>());
    });
    return y;
  }
};

}  // namespace

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  if (!x.is_cpu()) return reference::rms_norm(x, weight, eps);
  return RmsNorm::apply(x.contiguous(), weight, eps);
}

at::Tensor apply_rotary(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine) {
  if (!x.is_cpu()) return reference::apply_rotary(x, cosine, sine);
  return Rotary::apply(x.contiguous(), cosine, sine);
}

at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& targets) {
  return at::nll_loss(at::log_softmax(logits, -1), targets);
}

namespace reference {

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  return x * at::rsqrt(at::mean(x * x, {-1}, true) + eps) * weight;
}

at::Tensor apply_rotary(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine) {
  const at::Tensor y = x.transpose(1, 2);
  const std::int64_t half = y.size(-1) / 2;
  const at::Tensor rotated = at::cat({-y.narrow(-1, half, half), y.narrow(-1, 0, half)}, -1);
  return y * cosine + rotated * sine;
}

}  // namespace reference

}  // namespace bitdarts::model
