// METHOD section 2 and 3 as they are written, one candidate after another. Values are computed in Real, so
// that a tie falls as it does in the kernels; sums run in double.
#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "quant/methods/table.hpp"
#include "quant/mixed.hpp"

namespace bitdarts::quant::reference {
namespace {

template <class Real>
Point<Real> evaluate(Real x, const BoundCandidate<Real>& c) {
  return with_method(c.method, [&]<class M>() { return M::point(x, c); });
}

void require_size(std::size_t size, std::size_t expected) {
  if (size != expected) throw Error("the spans of the mixed quantizer differ in length");
}

}  // namespace

double quantize(double x, const BoundCandidate<double>& candidate) { return evaluate(x, candidate).value; }

template <class Real>
void mixed_forward(std::span<const Real> x, std::span<const BoundCandidate<Real>> candidates,
                   std::span<Real> mixed) {
  require_size(mixed.size(), x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    double sum = 0;
    for (const auto& candidate : candidates)
      sum +=
          static_cast<double>(candidate.probability) * static_cast<double>(evaluate(x[i], candidate).value);
    mixed[i] = static_cast<Real>(sum);
  }
}

template <class Real>
void mixed_backward(std::span<const Real> x, std::span<const Real> gradient,
                    std::span<const BoundCandidate<Real>> candidates, std::span<Real> dx,
                    std::span<Real> mixed, MixedSums& sums, ErrorMeasure measure) {
  require_size(gradient.size(), x.size());
  if (sums.candidates.empty()) sums.candidates.resize(candidates.size());
  require_size(sums.candidates.size(), candidates.size());
  std::vector<double> mass(x.size(), 0.0), mixture(x.size(), 0.0);
  for (std::size_t j = 0; j < candidates.size(); ++j) {
    const auto& candidate = candidates[j];
    const double probability = static_cast<double>(candidate.probability);
    auto& sum = sums.candidates[j];
    for (std::size_t i = 0; i < x.size(); ++i) {
      const Point<Real> q = evaluate(x[i], candidate);
      const double value = static_cast<double>(q.value), g = static_cast<double>(gradient[i]);
      // Infinity minus itself is not a number, but the identity never makes an error.
      const bool exact = !has_codes(traits(candidate.method));
      const double error = exact ? 0.0 : value - static_cast<double>(x[i]);
      const double weight = measure == ErrorMeasure::fisher && !exact ? g * g : 1.0;
      mixture[i] += probability * value;
      mass[i] += probability * q.by_x;
      sum.gradient_quantized += g * value;
      sum.squared_error += weight * error * error;
      sum.gradient_range += g * q.by_range;
      sum.error_range += weight * error * q.by_range;
      sum.gradient_offset += g * q.by_offset;
      sum.error_offset += weight * error * q.by_offset;
    }
  }
  for (const Real value : x) {
    sums.square += static_cast<double>(value) * static_cast<double>(value);
    sums.maximum = std::max(sums.maximum, static_cast<double>(std::abs(value)));
  }
  sums.count += static_cast<double>(x.size());
  for (std::size_t i = 0; i < dx.size(); ++i)
    dx[i] = static_cast<Real>(static_cast<double>(gradient[i]) * mass[i]);
  for (std::size_t i = 0; i < mixed.size(); ++i) mixed[i] = static_cast<Real>(mixture[i]);
}

template void mixed_forward<float>(std::span<const float>, std::span<const BoundCandidate<float>>,
                                   std::span<float>);
template void mixed_forward<double>(std::span<const double>, std::span<const BoundCandidate<double>>,
                                    std::span<double>);
template void mixed_backward<float>(std::span<const float>, std::span<const float>,
                                    std::span<const BoundCandidate<float>>, std::span<float>,
                                    std::span<float>, MixedSums&, ErrorMeasure);
template void mixed_backward<double>(std::span<const double>, std::span<const double>,
                                     std::span<const BoundCandidate<double>>, std::span<double>,
                                     std::span<double>, MixedSums&, ErrorMeasure);

}  // namespace bitdarts::quant::reference
