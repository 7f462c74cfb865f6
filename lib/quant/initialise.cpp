#include "quant/initialise.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "core/error.hpp"
#include "quant/mixed.hpp"

namespace bitdarts::quant {
namespace {

// What a tensor without spread starts from: small against every real weight or activation, and far from underflow.
constexpr double least_range = 1e-8;
// The search for (s, beta) looks at no more values than this; the last word is measured on all of them.
constexpr std::size_t sampled_values = std::size_t{1} << 17;
constexpr int coordinate_rounds = 3, golden_steps = 14, regression_rounds = 30;

struct Moments {
  double mean = 0, deviation = 0, smallest = 0, largest = 0;
  double three_sigma() const { return std::max(std::abs(mean - 3 * deviation), std::abs(mean + 3 * deviation)); }
  double magnitude() const { return std::max(std::abs(smallest), std::abs(largest)); }
};

Moments moments_of(std::span<const float> values) {
  Moments m;
  if (values.empty()) return m;
  m.smallest = m.largest = static_cast<double>(values.front());
  double sum = 0;
  for (const float value : values) {
    if (!std::isfinite(value)) throw Error("a quantizer cannot start from values that are not finite");
    const double x = static_cast<double>(value);
    sum += x;
    m.smallest = std::min(m.smallest, x);
    m.largest = std::max(m.largest, x);
  }
  m.mean = sum / static_cast<double>(values.size());
  double square = 0;
  for (const float value : values) {
    const double centred = static_cast<double>(value) - m.mean;
    square += centred * centred;
  }
  m.deviation = std::sqrt(square / static_cast<double>(values.size()));
  return m;
}

Start symmetric_start(const Moments& m, const Candidate& candidate) {
  if (candidate.method == Method::identity) return {};
  double range = candidate.method == Method::uniform ? m.magnitude() : m.three_sigma();
  if (candidate.method == Method::lsq_plus) range /= -smallest_code(candidate);  // 2^(b-1)
  return {std::max(range, least_range), 0};
}

double squared_error(std::span<const float> values, const Candidate& candidate, const Start& start) {
  const BoundCandidate<float> bound = bind<float>(candidate, start.range, start.offset, 1);
  MixedSums sums;
  mixed_errors<float>(values, {&bound, 1}, sums);
  return sums.candidates[0].squared_error;
}

// One value out of each of `count` equal stretches, at a place that wanders (golden ratio), so that no period of the
// data (a row length) is hit again and again.
std::vector<float> sample(std::span<const float> values, std::size_t count) {
  if (values.size() <= count) return {values.begin(), values.end()};
  std::vector<float> chosen(count);
  const double stretch = static_cast<double>(values.size()) / static_cast<double>(count);
  double place = 0.5;
  for (std::size_t k = 0; k < count; ++k) {
    place += 0.6180339887498949;
    place -= std::floor(place);
    const auto index = static_cast<std::size_t>((static_cast<double>(k) + place) * stretch);
    chosen[k] = values[std::min(index, values.size() - 1)];
  }
  return chosen;
}

// The t in (0, 1] with the least f(t): a scan in steps of sqrt(2), then golden section between the neighbours.
double minimise(const std::function<double(double)>& f) {
  constexpr int scan_steps = 20;
  const auto scanned = [](int i) { return std::exp2(-0.5 * i); };
  int best = 0;
  double least = f(1.0);
  for (int i = 1; i <= scan_steps; ++i)
    if (const double value = f(scanned(i)); value < least) {
      least = value;
      best = i;
    }
  constexpr double golden = 0.6180339887498949;
  double low = scanned(best + 1), high = best == 0 ? 1.0 : scanned(best - 1), kept = scanned(best);
  double left = high - golden * (high - low), right = low + golden * (high - low);
  double at_left = f(left), at_right = f(right);
  for (int i = 0; i < golden_steps; ++i) {
    if (at_left < at_right) {
      high = right;
      right = left;
      at_right = at_left;
      at_left = f(left = high - golden * (high - low));
    } else {
      low = left;
      left = right;
      at_left = at_right;
      at_right = f(right = low + golden * (high - low));
    }
    const double inner = std::min(at_left, at_right);
    if (inner < least) {  // the error is not quite unimodal: remember the best point seen
      least = inner;
      kept = at_left < at_right ? left : right;
    }
  }
  return kept;
}

// The codes held fixed, the best (s, beta) is the line x = s code + beta of least squares.
Start regress(std::span<const float> values, const Candidate& candidate, const Start& start) {
  const BoundCandidate<double> bound = bind<double>(candidate, start.range, start.offset, 1);
  double sum_code = 0, sum_x = 0, square_code = 0, product = 0;
  for (const float value : values) {
    const double x = static_cast<double>(value);
    const double code = std::nearbyint(std::clamp((x - bound.offset) / bound.step, bound.smallest, bound.largest));
    sum_code += code;
    sum_x += x;
    square_code += code * code;
    product += code * x;
  }
  const double n = static_cast<double>(values.size());
  const double spread = square_code - sum_code * sum_code / n;
  if (!(spread > 0)) return start;
  const double step = (product - sum_code * sum_x / n) / spread;
  if (!(step > 0)) return start;
  return {step, (sum_x - step * sum_code) / n};
}

// The ends of the representable interval, as shares of the way from the mean to the extremes, one after the other.
Start fit_ends(std::span<const float> values, const Candidate& candidate, const Moments& m) {
  const double codes = largest_code(candidate) - smallest_code(candidate);
  const auto between = [&](double below, double above) {
    const double low = m.mean + below * (m.smallest - m.mean), high = m.mean + above * (m.largest - m.mean);
    const double step = std::max((high - low) / codes, least_range);
    return Start{step, low - smallest_code(candidate) * step};
  };
  const auto error = [&](double below, double above) { return squared_error(values, candidate, between(below, above)); };
  double below = minimise([&](double t) { return error(t, t); }), above = below;
  for (int round = 0; round < coordinate_rounds; ++round) {
    below = minimise([&](double t) { return error(t, above); });
    above = minimise([&](double t) { return error(below, t); });
  }
  return between(below, above);
}

Start fit_step_and_offset(std::span<const float> values, const Candidate& candidate, const Moments& m) {
  const double codes = largest_code(candidate) - smallest_code(candidate);
  if (m.largest - m.smallest <= 0) return {std::max(std::abs(m.mean), 1.0) * least_range, m.mean};
  const double step = std::max((m.largest - m.smallest) / codes, least_range);
  Start best{step, m.smallest - smallest_code(candidate) * step};
  double least = squared_error(values, candidate, best);
  const auto keep_if_better = [&](const Start& start) {
    const double error = squared_error(values, candidate, start);
    if (!(error < least)) return false;
    least = error;
    best = start;
    return true;
  };
  keep_if_better(fit_ends(sample(values, sampled_values), candidate, m));
  for (int round = 0; round < regression_rounds && keep_if_better(regress(values, candidate, best)); ++round) {
  }
  return best;
}

}  // namespace

Start start_for_weights(std::span<const float> values, const Candidate& candidate) {
  return symmetric_start(moments_of(values), candidate);
}

Start start_for_inputs(std::span<const float> values, const Candidate& candidate) {
  const Moments m = moments_of(values);
  if (candidate.method != Method::lsq_plus || values.empty()) return symmetric_start(m, candidate);
  return fit_step_and_offset(values, candidate, m);
}

}  // namespace bitdarts::quant
