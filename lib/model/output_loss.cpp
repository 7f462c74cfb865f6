#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "model/device_functions.hpp"
#include "model/gemm.hpp"
#include "model/row_kernel.hpp"

namespace bitdarts::model {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

// Logits that are there at a time: few enough for the caches, rows enough for the products.
constexpr std::int64_t logits_at_a_time = 1 << 21, fewest_rows = 64;

// Logits of some rows -> their losses, and with `slope` = weight / n the gradient of weight * mean loss.
template <class Real>
void losses_of(Real* logits, std::int64_t rows, std::int64_t vocab, const std::int64_t* targets, double slope,
               bool wants_gradient, double* losses) {
  const std::int64_t stride = padded<Real>(vocab);
  at::parallel_for(0, rows, 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t r = first; r < last; ++r) {
      Real* row = logits + r * stride;
      const Real at_target = row[targets[r]];
      const auto softmax = row_kernels<Real>().softmax(row, vocab, stride);
      losses[r] = std::log(static_cast<double>(softmax.sum)) +
                  (static_cast<double>(softmax.maximum) - static_cast<double>(at_target));
      if (!wants_gradient) continue;
      row_kernels<Real>().scale(row, stride, static_cast<Real>(slope / static_cast<double>(softmax.sum)));
      row[targets[r]] -= static_cast<Real>(slope);
    }
  });
}

// The gradients are made on the way forward, while the logits are in cache; the backward hands them over.
struct LinearCrossEntropy : torch::autograd::Function<LinearCrossEntropy> {
  static Variable forward(AutogradContext* context, const Variable& hidden, const Variable& head,
                          const at::Tensor& targets, double weight, bool wants_hidden, bool wants_head) {
    const std::int64_t n = hidden.size(0), dim = hidden.size(1), vocab = head.size(0);
    const std::int64_t* target = targets.data_ptr<std::int64_t>();
    if (n == 0 || targets.numel() != n || head.size(1) != dim)
      throw Error("the output's loss: " + std::to_string(targets.numel()) + " targets for " +
                  std::to_string(n) + " rows of " + std::to_string(dim) + ", a head for rows of " +
                  std::to_string(head.size(1)));
    const auto [least, most] = std::minmax_element(target, target + n);
    if (*least < 0 || *most >= vocab)
      throw Error("token " + std::to_string(*least < 0 ? *least : *most) + " is not in a vocabulary of " +
                  std::to_string(vocab));
    at::Tensor dhidden = wants_hidden ? at::empty_like(hidden) : at::Tensor(),
               dhead = wants_head ? at::empty_like(head) : at::Tensor();
    std::vector<double> losses(static_cast<std::size_t>(n));
    AT_DISPATCH_FLOATING_TYPES(hidden.scalar_type(), "linear_cross_entropy", [&] {
      const std::int64_t stride = padded<scalar_t>(vocab),
                         rows_at_a_time = std::min(n, std::max(fewest_rows, logits_at_a_time / stride));
      at::Tensor buffer = at::empty({rows_at_a_time, stride}, hidden.options());
      scalar_t* logits = buffer.data_ptr<scalar_t>();
      const scalar_t* w = head.data_ptr<scalar_t>();
      for (std::int64_t first = 0; first < n; first += rows_at_a_time) {
        const std::int64_t rows = std::min(rows_at_a_time, n - first);
        const scalar_t* h = hidden.data_ptr<scalar_t>() + first * dim;
        gemm(Transpose::no, Transpose::yes, rows, vocab, dim, scalar_t(1), h, dim, w, dim, scalar_t(0),
             logits, stride);
        losses_of(logits, rows, vocab, target + first, weight / static_cast<double>(n),
                  wants_hidden || wants_head, losses.data() + first);
        if (wants_hidden)
          gemm(Transpose::no, Transpose::no, rows, dim, vocab, scalar_t(1), logits, stride, w, dim,
               scalar_t(0), dhidden.data_ptr<scalar_t>() + first * dim, dim);
        if (wants_head)
          gemm(Transpose::yes, Transpose::no, vocab, dim, rows, scalar_t(1), logits, stride, h, dim,
               scalar_t(first == 0 ? 0 : 1), dhead.data_ptr<scalar_t>(), dim);
      }
    });
    context->save_for_backward({dhidden, dhead});
    double total = 0;
    for (const double loss : losses) total += loss;
    return at::scalar_tensor(weight * total / static_cast<double>(n), hidden.options());
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const double slope = gradients[0].item<double>();
    const auto scaled = [slope](const at::Tensor& x) { return !x.defined() || slope == 1 ? x : x * slope; };
    return {scaled(saved[0]), scaled(saved[1]), Variable(), Variable(), Variable(), Variable()};
  }
};

}  // namespace

at::Tensor linear_cross_entropy(const at::Tensor& hidden, const at::Tensor& head, const at::Tensor& targets,
                                double weight) {
  return functions_of(hidden).linear_cross_entropy(hidden, head, targets, weight);
}

at::Tensor host::linear_cross_entropy(const at::Tensor& hidden, const at::Tensor& head,
                                      const at::Tensor& targets, double weight) {
  const bool records = at::GradMode::is_enabled();
  return LinearCrossEntropy::apply(hidden.contiguous(), head.contiguous(), targets.contiguous(), weight,
                                   records && hidden.requires_grad(), records && head.requires_grad());
}

at::Tensor reference::linear_cross_entropy(const at::Tensor& hidden, const at::Tensor& head,
                                           const at::Tensor& targets, double weight) {
  return at::nll_loss(at::log_softmax(at::matmul(hidden, head.t()), -1), targets) * weight;
}

}  // namespace bitdarts::model
