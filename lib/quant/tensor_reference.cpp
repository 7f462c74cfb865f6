#include "quant/tensor_reference.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace bitdarts::quant {
namespace {

// The value of the first argument, the gradient of the second.
at::Tensor with_gradient_of(const at::Tensor& value, const at::Tensor& path) {
  return value.detach() + (path - path.detach());
}

// A number as a tensor on x's device, rounded to its type.
at::Tensor number(double value, const at::Tensor& like) { return at::full({}, value, like.options()); }

// Q(x) and its derivatives as METHOD section 2 tabulates them.
struct Points {
  at::Tensor code, value, by_x, by_range, by_offset;
};

Points evaluate(const at::Tensor& x, const BoundCandidate<double>& c) {
  const at::Tensor zeros = at::zeros_like(x), ones = at::ones_like(x);
  const Range kind = traits(c.method).range;
  if (kind == Range::none) return {x, x, ones, zeros, zeros};
  const at::Tensor step = number(c.step, x), offset = number(c.offset, x);
  const at::Tensor v = (x - offset) * at::reciprocal(step);
  const at::Tensor code = at::round(at::clamp(v, c.smallest, c.largest));
  const at::Tensor value = step * code + offset;
  if (kind == Range::clip) {
    const at::Tensor clip = number(c.clip, x), above = x >= clip, below = x <= -clip;
    return {code, value, at::logical_and(x > -clip, x < clip).to(x.dtype()),
            above.to(x.dtype()) - below.to(x.dtype()), zeros};
  }
  const at::Tensor inside = at::logical_and(v >= c.smallest, v <= c.largest);
  if (kind == Range::maximum) return {code, value, inside.to(x.dtype()), zeros, zeros};
  return {code, value, inside.to(x.dtype()), code - at::where(inside, v, zeros),
          at::where(inside, zeros, ones)};
}

// The mixture as the fused kernel sums it: sum_j p_j offset_j, then (p_j s_j) code_j one after another.
at::Tensor begin_mixture(const at::Tensor& x, std::span<const BoundCandidate<double>> candidates) {
  at::Tensor offset = number(0, x);
  for (const auto& c : candidates)
    if (has_codes(traits(c.method))) offset = offset + number(c.probability, x) * number(c.offset, x);
  return at::zeros_like(x) + offset;
}
at::Tensor part_of_mixture(const BoundCandidate<double>& c, const Points& q) {
  const at::Tensor probability = number(c.probability, q.code);
  return (has_codes(traits(c.method)) ? probability * number(c.step, q.code) : probability) * q.code;
}

double sum_of(const at::Tensor& values) { return values.sum(at::kDouble).item<double>(); }
double product_sum(const at::Tensor& left, const at::Tensor& right) {
  return sum_of(left.to(at::kDouble) * right.to(at::kDouble));
}

}  // namespace

at::Tensor quantize_with_ste(const at::Tensor& x, const Candidate& candidate, const at::Tensor& range,
                             const at::Tensor& offset) {
  const Range kind = traits(candidate.method).range;
  if (kind == Range::none) return x;
  const double smallest = smallest_code(candidate), largest = largest_code(candidate);
  if (kind == Range::step) {
    const at::Tensor v = (x - offset) * at::reciprocal(range);
    const at::Tensor clipped = at::clamp(v, smallest, largest);
    return range * with_gradient_of(at::round(clipped), clipped) + offset;
  }
  const at::Tensor step = range.detach() / largest;
  const at::Tensor value = step * at::round(at::clamp(x.detach() * at::reciprocal(step), smallest, largest));
  if (kind == Range::clip)
    return with_gradient_of(value, at::where(x >= range, range, at::where(x <= -range, -range, x)));
  const at::Tensor inside = x.detach().abs() <= range.detach();
  return with_gradient_of(value, at::where(inside, x, at::zeros_like(x)));
}

at::Tensor mixed_forward_tensor(const at::Tensor& x, std::span<const BoundCandidate<double>> candidates) {
  at::Tensor mixed = begin_mixture(x, candidates);
  for (const auto& candidate : candidates) mixed = mixed + part_of_mixture(candidate, evaluate(x, candidate));
  return mixed;
}

std::pair<at::Tensor, at::Tensor> mixed_backward_tensor(const at::Tensor& x, const at::Tensor& gradient,
                                                        std::span<const BoundCandidate<double>> candidates,
                                                        MixedSums& sums, ErrorMeasure measure) {
  if (sums.candidates.empty()) sums.candidates.resize(candidates.size());
  if (sums.candidates.size() != candidates.size())
    throw Error("the sums are of " + std::to_string(sums.candidates.size()) + " candidates, not of " +
                std::to_string(candidates.size()));
  at::Tensor mixed = begin_mixture(x, candidates), mass = at::zeros_like(x);
  for (std::size_t j = 0; j < candidates.size(); ++j) {
    const Points q = evaluate(x, candidates[j]);
    const at::Tensor probability = number(candidates[j].probability, x);
    mixed = mixed + part_of_mixture(candidates[j], q);
    mass = mass + probability * q.by_x;
    auto& sum = sums.candidates[j];
    sum.gradient_quantized += product_sum(gradient, q.value);
    if (!has_codes(traits(candidates[j].method))) continue;  // makes no error and learns nothing
    const at::Tensor difference = q.value - x;
    const at::Tensor error =
        measure == ErrorMeasure::fisher ? (gradient * gradient) * difference : difference;
    sum.squared_error += product_sum(error, difference);
    sum.gradient_range += product_sum(gradient, q.by_range);
    sum.error_range += product_sum(error, q.by_range);
    sum.gradient_offset += product_sum(gradient, q.by_offset);
    sum.error_offset += product_sum(error, q.by_offset);
  }
  sums.square += product_sum(x, x);
  const at::Tensor magnitude = at::where(x == x, x.abs(), at::zeros_like(x));  // the maximum passes over NaN
  if (x.numel() > 0) sums.maximum = std::max(sums.maximum, magnitude.max().item<double>());
  sums.count += static_cast<double>(x.numel());
  return {gradient * mass, mixed};
}

}  // namespace bitdarts::quant
