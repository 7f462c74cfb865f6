#include "model/functions.hpp"

#include <cmath>
#include <limits>
#include <sstream>

#include "core/error.hpp"
#include "model/device_functions.hpp"
#include "model/row_kernel.hpp"

namespace bitdarts::model {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

// Rows, or values, of a part that one thread works on.
constexpr std::int64_t rows_per_thread = 64, values_per_thread = 1 << 15;

struct RmsNorm : torch::autograd::Function<RmsNorm> {
  static Variable forward(AutogradContext* context, const Variable& x, const Variable& weight, double eps) {
    const std::int64_t width = x.size(-1), rows = x.numel() / width;
    at::Tensor y = at::empty_like(x), inverse = at::empty({rows}, x.options());
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "rms_norm", [&] {
      at::parallel_for(0, rows, rows_per_thread, [&](std::int64_t first, std::int64_t last) {
        row_kernels<scalar_t>().rms_norm_forward(x.data_ptr<scalar_t>() + first * width,
                                                 weight.data_ptr<scalar_t>(), static_cast<scalar_t>(eps),
                                                 last - first, width, y.data_ptr<scalar_t>() + first * width,
                                                 inverse.data_ptr<scalar_t>() + first);
      });
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
      row_kernels<scalar_t>().rms_norm_backward(
          saved[0].data_ptr<scalar_t>(), saved[1].data_ptr<scalar_t>(), saved[2].data_ptr<scalar_t>(),
          gradient.data_ptr<scalar_t>(), rows, width, dx.data_ptr<scalar_t>(), dweight.data_ptr<scalar_t>());
    });
    return {dx, dweight, Variable()};
  }
};

// x [batch time, heads size], turned forward (+1) or back (-1); y may be x.
void turn(const AttentionShape& shape, std::int64_t heads, const at::Tensor& x, const at::Tensor& cosine,
          const at::Tensor& sine, int direction, const at::Tensor& y) {
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "rotary", [&] {
    at::parallel_for(0, shape.rows(), rows_per_thread, [&](std::int64_t first, std::int64_t last) {
      row_kernels<scalar_t>().rotate(x.data_ptr<scalar_t>(), cosine.data_ptr<scalar_t>(),
                                     sine.data_ptr<scalar_t>(), static_cast<scalar_t>(direction), first,
                                     last - first, shape.time, heads, shape.size, y.data_ptr<scalar_t>());
    });
  });
}

struct RotaryAttention : torch::autograd::Function<RotaryAttention> {
  static Variable forward(AutogradContext* context, const Variable& q, const Variable& k, const Variable& v,
                          const at::Tensor& cosine, const at::Tensor& sine, const AttentionShape& shape) {
    at::Tensor turned_q = at::empty_like(q), turned_k = at::empty_like(k), out = at::empty_like(q),
               statistics = at::empty({shape.statistics()}, q.options());
    turn(shape, shape.heads, q, cosine, sine, +1, turned_q);
    turn(shape, shape.kv_heads, k, cosine, sine, +1, turned_k);
    AT_DISPATCH_FLOATING_TYPES(q.scalar_type(), "attention", [&] {
      attention_forward<scalar_t>(shape, turned_q.data_ptr<scalar_t>(), turned_k.data_ptr<scalar_t>(),
                                  v.data_ptr<scalar_t>(), out.data_ptr<scalar_t>(),
                                  statistics.data_ptr<scalar_t>());
    });
    context->save_for_backward({turned_q, turned_k, v, statistics, cosine, sine});
    context->saved_data["shape"] =
        std::vector<std::int64_t>{shape.batch, shape.time, shape.heads, shape.kv_heads, shape.size};
    return out;
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const auto sizes = context->saved_data["shape"].toIntVector();
    const AttentionShape shape{sizes[0], sizes[1], sizes[2], sizes[3], sizes[4]};
    const at::Tensor gradient = gradients[0].contiguous();
    at::Tensor dq = at::empty_like(saved[0]), dk = at::empty_like(saved[1]), dv = at::empty_like(saved[2]);
    AT_DISPATCH_FLOATING_TYPES(gradient.scalar_type(), "attention_backward", [&] {
      attention_backward<scalar_t>(shape, saved[0].data_ptr<scalar_t>(), saved[1].data_ptr<scalar_t>(),
                                   saved[2].data_ptr<scalar_t>(), saved[3].data_ptr<scalar_t>(),
                                   gradient.data_ptr<scalar_t>(), dq.data_ptr<scalar_t>(),
                                   dk.data_ptr<scalar_t>(), dv.data_ptr<scalar_t>());
    });
    turn(shape, shape.heads, dq, saved[4], saved[5], -1, dq);
    turn(shape, shape.kv_heads, dk, saved[4], saved[5], -1, dk);
    return {dq, dk, dv, Variable(), Variable(), Variable()};
  }
};

struct Swiglu : torch::autograd::Function<Swiglu> {
  static Variable forward(AutogradContext* context, const Variable& gate, const Variable& up) {
    context->save_for_backward({gate, up});
    at::Tensor y = at::empty_like(gate);
    AT_DISPATCH_FLOATING_TYPES(gate.scalar_type(), "swiglu", [&] {
      at::parallel_for(0, gate.numel(), values_per_thread, [&](std::int64_t first, std::int64_t last) {
        row_kernels<scalar_t>().swiglu_forward(gate.data_ptr<scalar_t>() + first,
                                               up.data_ptr<scalar_t>() + first, last - first,
                                               y.data_ptr<scalar_t>() + first);
      });
    });
    return y;
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor gradient = gradients[0].contiguous();
    at::Tensor dgate = at::empty_like(gradient), dup = at::empty_like(gradient);
    AT_DISPATCH_FLOATING_TYPES(gradient.scalar_type(), "swiglu_backward", [&] {
      at::parallel_for(0, gradient.numel(), values_per_thread, [&](std::int64_t first, std::int64_t last) {
        row_kernels<scalar_t>().swiglu_backward(
            saved[0].data_ptr<scalar_t>() + first, saved[1].data_ptr<scalar_t>() + first,
            gradient.data_ptr<scalar_t>() + first, last - first, dgate.data_ptr<scalar_t>() + first,
            dup.data_ptr<scalar_t>() + first);
      });
    });
    return {dgate, dup};
  }
};

// The kernels read and write what they are told is there.
void require_sizes(const char* function, const char* what, const at::Tensor& x, at::IntArrayRef expected) {
  if (x.sizes() == expected) return;
  std::ostringstream message;
  message << function << ": " << what << " is " << x.sizes() << ", not " << expected;
  throw Error(message.str());
}

}  // namespace

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  require_sizes("rms_norm", "the weight", weight, {x.size(-1)});
  return functions_of(x).rms_norm(x, weight, eps);
}

at::Tensor rotary_attention(const AttentionShape& shape, const at::Tensor& q, const at::Tensor& k,
                            const at::Tensor& v, const at::Tensor& cosine, const at::Tensor& sine) {
  require_sizes("attention", "q", q, {shape.rows(), shape.width()});
  require_sizes("attention", "k", k, {shape.rows(), shape.kv_width()});
  require_sizes("attention", "v", v, {shape.rows(), shape.kv_width()});
  require_sizes("attention", "the cosine", cosine, {shape.time, shape.size});
  require_sizes("attention", "the sine", sine, {shape.time, shape.size});
  return functions_of(q).rotary_attention(shape, q, k, v, cosine, sine);
}

at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up) {
  require_sizes("swiglu", "up", up, gate.sizes());
  return functions_of(gate).swiglu(gate, up);
}

namespace host {

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  return RmsNorm::apply(x.contiguous(), weight, eps);
}

at::Tensor rotary_attention(const AttentionShape& shape, const at::Tensor& q, const at::Tensor& k,
                            const at::Tensor& v, const at::Tensor& cosine, const at::Tensor& sine) {
  return RotaryAttention::apply(q.contiguous(), k.contiguous(), v.contiguous(), cosine, sine, shape);
}

at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up) {
  return Swiglu::apply(gate.contiguous(), up.contiguous());
}

}  // namespace host

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

at::Tensor rotary_attention(const AttentionShape& shape, const at::Tensor& q, const at::Tensor& k,
                            const at::Tensor& v, const at::Tensor& cosine, const at::Tensor& sine) {
  const auto by_head = [&](const at::Tensor& x, std::int64_t heads) {
    return x.view({shape.batch, shape.time, heads, shape.size});
  };
  const at::Tensor query = apply_rotary(by_head(q, shape.heads), cosine, sine);
  at::Tensor key = apply_rotary(by_head(k, shape.kv_heads), cosine, sine);
  at::Tensor value = by_head(v, shape.kv_heads).transpose(1, 2);
  if (const std::int64_t group = shape.heads / shape.kv_heads; group > 1) {
    key = key.repeat_interleave(group, 1);
    value = value.repeat_interleave(group, 1);
  }
  const at::Tensor later = at::ones({shape.time, shape.time}, q.options().dtype(at::kBool)).triu(1);
  const at::Tensor scores =
      (at::matmul(query, key.transpose(-2, -1)) / std::sqrt(static_cast<double>(shape.size)))
          .masked_fill(later, -std::numeric_limits<double>::infinity());
  return at::matmul(at::softmax(scores, -1), value).transpose(1, 2).reshape({shape.rows(), shape.width()});
}

at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up) { return at::silu(gate) * up; }

}  // namespace reference

}  // namespace bitdarts::model
