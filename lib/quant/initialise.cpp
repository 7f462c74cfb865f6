#include "quant/initialise.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/error.hpp"
#include "quant/mixed.hpp"

namespace bitdarts::quant {
namespace {

// What a tensor without spread starts from: small against every real weight or activation, and far from
// underflow.
constexpr double least_range = 1e-8;
// The search for (s, beta) looks at no more values than this; the last word is measured on all of them.
constexpr std::size_t sampled_values = std::size_t{1} << 15;
constexpr int regression_rounds = 10;

struct Moments {
  double mean = 0, deviation = 0, smallest = 0, largest = 0;
  double mean_magnitude = 0;
  double three_sigma() const {
    return std::max(std::abs(mean - 3 * deviation), std::abs(mean + 3 * deviation));
  }
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
    m.mean_magnitude += std::abs(x);
    m.smallest = std::min(m.smallest, x);
    m.largest = std::max(m.largest, x);
  }
  m.mean = sum / static_cast<double>(values.size());
  m.mean_magnitude /= static_cast<double>(values.size());
  double square = 0;
  for (const float value : values) {
    const double centred = static_cast<double>(value) - m.mean;
    square += centred * centred;
  }
  m.deviation = std::sqrt(square / static_cast<double>(values.size()));
  return m;
}

bool learns_step(const Candidate& candidate) { return traits(candidate.method).range == Range::step; }

Start three_sigma_start(const Moments& m, const Candidate& candidate) {
  const double unit = learns_step(candidate) ? -smallest_code(candidate) : 1.0;  // 2^(b-1)
  return {std::max(m.three_sigma() / unit, least_range), 0};
}

struct Measured {
  Start start;
  double error = 0;
};
bool less_error(const Measured& left, const Measured& right) { return left.error < right.error; }

Measured measure(std::span<const float> values, const Candidate& candidate, const Start& start) {
  const BoundCandidate<float> bound = bind<float>(candidate, start.range, start.offset, 1);
  MixedSums sums;
  mixed_errors<float>(values, {&bound, 1}, sums);
  return {start, sums.candidates[0].squared_error};
}

// One value out of each of `count` equal stretches, at a place that wanders (golden ratio), so that no period
// of the data (a row length) is hit again and again.
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

// Values to search a range on. Of many, the largest are all there, for a range is about whether to clip them,
// and each of the sampled others stands for `weight`.
struct Strata {
  std::vector<float> largest, others;
  double weight = 1;

  Measured measure_range(const Candidate& candidate, double range) const {
    const Start start{std::max(range, least_range), 0};
    return {start,
            measure(largest, candidate, start).error + weight * measure(others, candidate, start).error};
  }
};

Strata strata_of(std::span<const float> values) {
  if (values.size() <= sampled_values) return {.largest = {}, .others = {values.begin(), values.end()}};
  std::vector<float> all(values.begin(), values.end());
  const auto middle = all.begin() + sampled_values / 4;
  std::nth_element(all.begin(), middle, all.end(),
                   [](float left, float right) { return std::abs(left) > std::abs(right); });
  Strata strata{.largest = {all.begin(), middle}, .others = sample({middle, all.end()}, sampled_values)};
  strata.weight = static_cast<double>(all.end() - middle) / static_cast<double>(strata.others.size());
  return strata;
}

// The range without offset whose squared error is least. The error has many local minima (a range moves every
// level, and values fall from code to code one by one), so the whole interval that can hold the least one is
// scanned, then what lies around the best few points, on a sample; from there a compass search on all values
// has the last word. The interval: a range below a quarter of the mean magnitude clips more than its finer
// steps are worth, and one beyond the largest magnitude clips nothing any more.
Start fit_range(std::span<const float> values, const Candidate& candidate, const Moments& m) {
  constexpr int coarse = 128, kept = 4, finer = 32;
  const Start three_sigma = three_sigma_start(m, candidate);
  if (!(m.magnitude() > 0)) return three_sigma;
  const double unit = learns_step(candidate) ? largest_code(candidate) : 1.0;
  const double low = m.mean_magnitude / 4 / unit, high = 1.2 * m.magnitude() / unit;
  const double spacing = std::log2(high / low) / coarse;
  const Strata strata = strata_of(values);
  std::vector<Measured> points;
  for (int i = 0; i <= coarse; ++i)
    points.push_back(strata.measure_range(candidate, low * std::exp2(spacing * i)));
  std::partial_sort(points.begin(), points.begin() + kept, points.end(), less_error);
  Measured best = points.front();
  for (int k = 0; k < kept; ++k)
    for (int i = -finer; i <= finer; ++i)
      best = std::min(best,
                      strata.measure_range(candidate, points[static_cast<std::size_t>(k)].start.range *
                                                          std::exp2(spacing * i / finer)),
                      less_error);
  best = measure(values, candidate, best.start);
  for (double stride = spacing; stride > 1e-5;) {
    const auto at = [&](double shift) {
      return measure(values, candidate, {std::max(best.start.range * std::exp2(shift), least_range), 0});
    };
    const Measured next = std::min(at(stride), at(-stride), less_error);
    if (next.error < best.error)
      best = next;
    else
      stride /= 2;
  }
  return std::min(measure(values, candidate, three_sigma), best, less_error).start;
}

// The codes held fixed, the best (s, beta) is the line x = s code + beta of least squares.
Start regress(std::span<const float> values, const Candidate& candidate, const Start& start) {
  const BoundCandidate<double> bound = bind<double>(candidate, start.range, start.offset, 1);
  double sum_code = 0, sum_x = 0, square_code = 0, product = 0;
  for (const float value : values) {
    const double x = static_cast<double>(value);
    const double code = std::nearbyint(std::clamp(position(x, bound), bound.smallest, bound.largest));
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

// The ends of the representable interval, as shares of the way from the mean to the extremes: the few best
// points of a coarse grid. The error has many local minima (does a level lie on the peak at zero?), so that
// one point is not enough.
std::vector<Measured> scan_ends(std::span<const float> values, const Candidate& candidate, const Moments& m) {
  constexpr int shares = 18, kept = 6;
  const double codes = largest_code(candidate) - smallest_code(candidate);
  const auto share = [](int i) { return std::exp2(-0.5 * i); };
  std::vector<Measured> points;
  for (int i = 0; i < shares; ++i)
    for (int j = 0; j < shares; ++j) {
      const double low = m.mean + share(i) * (m.smallest - m.mean),
                   high = m.mean + share(j) * (m.largest - m.mean);
      const double step = std::max((high - low) / codes, least_range);
      points.push_back(measure(values, candidate, {step, low - smallest_code(candidate) * step}));
    }
  std::partial_sort(points.begin(), points.begin() + kept, points.end(), less_error);
  points.resize(kept);
  return points;
}

// Compass search: to the best of eight neighbours, and closer when there is none. The width of the interval
// and its middle are the axes: they are nearly independent, the step and the offset are not.
Measured refine(std::span<const float> values, const Candidate& candidate, Measured point) {
  const double middle = (largest_code(candidate) + smallest_code(candidate)) / 2;
  for (double stride = 0.25; stride > 0.004;) {
    Measured best = point;
    for (int along_step = -1; along_step <= 1; ++along_step)
      for (int along_middle = -1; along_middle <= 1; ++along_middle) {
        if (along_step == 0 && along_middle == 0) continue;
        const double step = point.start.range * std::exp(0.5 * stride * along_step);
        const double shift = point.start.range * stride * along_middle;
        const double offset = point.start.offset + middle * (point.start.range - step) + shift;
        best = std::min(best, measure(values, candidate, {std::max(step, least_range), offset}), less_error);
      }
    if (best.error < point.error)
      point = best;
    else
      stride /= 2;
  }
  return point;
}

Start fit_step_and_offset(std::span<const float> values, const Candidate& candidate, const Moments& m) {
  const double codes = largest_code(candidate) - smallest_code(candidate);
  if (m.largest - m.smallest <= 0) return {std::max(std::abs(m.mean), 1.0) * least_range, m.mean};
  const double step = std::max((m.largest - m.smallest) / codes, least_range);
  Measured best =
      measure(values, candidate, {step, m.smallest - smallest_code(candidate) * step});  // min-max
  const auto fewer = sample(values, sampled_values);
  std::vector<Measured> found;
  for (const auto& point : scan_ends(fewer, candidate, m)) found.push_back(refine(fewer, candidate, point));
  best = std::min(best,
                  measure(values, candidate, std::min_element(found.begin(), found.end(), less_error)->start),
                  less_error);
  for (int round = 0; round < regression_rounds; ++round) {
    const Measured next = measure(values, candidate, regress(values, candidate, best.start));
    if (!(next.error < best.error)) break;
    best = next;
  }
  return best.start;
}

}  // namespace

Start start_at_least_error(std::span<const float> values, const Candidate& candidate) {
  return fit_range(values, candidate, moments_of(values));
}

Start start_with_offset(std::span<const float> values, const Candidate& candidate) {
  const Moments m = moments_of(values);
  return values.empty() ? three_sigma_start(m, candidate) : fit_step_and_offset(values, candidate, m);
}

Start start_at_maximum(std::span<const float> values, const Candidate&) {
  return {std::max(moments_of(values).magnitude(), least_range), 0};
}

Start start_with_nothing(std::span<const float> values, const Candidate&) {
  moments_of(values);  // what is not finite is an error here too
  return {};
}

Start start_for_weights(std::span<const float> values, const Candidate& candidate) {
  return traits(candidate.method).weights(values, candidate);
}

Start start_for_inputs(std::span<const float> values, const Candidate& candidate) {
  return traits(candidate.method).inputs(values, candidate);
}

}  // namespace bitdarts::quant
