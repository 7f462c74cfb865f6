// The starting ranges, and the errors they make.
#include "quant/initialise.hpp"

#include <numeric>

#include "catch.hpp"
#include "inputs.hpp"

using namespace quant_test;

namespace {

double relative_error(const std::vector<float>& values, const Candidate& candidate, double range,
                      double offset) {
  const auto bound = bind<float>(candidate, range, offset, 1);
  MixedSums sums;
  mixed_errors<float>(values, {&bound, 1}, sums);
  return sums.candidates[0].squared_error / sums.square;
}
double relative_error(const std::vector<float>& values, const Candidate& candidate, const Start& start) {
  return relative_error(values, candidate, start.range, start.offset);
}

// The error on N(0,1) of the levels s [smallest .. largest]: the integral of (x - q)^2 phi(x) over the cell
// of every level q, in closed form.
double expected_error(double step, double smallest, double largest) {
  const auto density = [](double x) { return std::exp(-0.5 * x * x) / std::sqrt(2 * std::acos(-1.0)); };
  const auto below = [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); };
  double error = 0;
  for (double code = smallest; code <= largest; ++code) {
    const double q = step * code;
    const double a = code == smallest ? -40 : q - step / 2, b = code == largest ? 40 : q + step / 2;
    error += (1 + q * q) * (below(b) - below(a)) - (b * density(b) - a * density(a)) +
             2 * q * (density(b) - density(a));
  }
  return error;
}

double three_sigma(const std::vector<float>& values, const Candidate& candidate) {
  double sum = 0, square = 0;
  for (const float x : values) sum += static_cast<double>(x);
  const double mean = sum / static_cast<double>(values.size());
  for (const float x : values) square += std::pow(static_cast<double>(x) - mean, 2);
  const double range = std::abs(mean) + 3 * std::sqrt(square / static_cast<double>(values.size()));
  return candidate.method == Method::lsq_plus ? range / -smallest_code(candidate) : range;
}

std::vector<float> skewed_values(std::size_t count) {  // what comes out of SiLU
  auto values = normal_values<float>(count, 33);
  for (auto& x : values) x = 2 * x / (1 + std::exp(-2 * x));
  return values;
}

std::vector<float> heavy_tailed_values(std::size_t count) {  // what comes out of SwiGLU
  auto values = normal_values<float>(count, 34);
  const auto others = normal_values<float>(count, 35), more = normal_values<float>(count, 36);
  for (std::size_t i = 0; i < count; ++i) values[i] *= others[i] * more[i];
  return values;
}

Start min_max(const std::vector<float>& values, const Candidate& candidate) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const double step =
      static_cast<double>(*high - *low) / (largest_code(candidate) - smallest_code(candidate));
  return {step, static_cast<double>(*low) - smallest_code(candidate) * step};
}

}  // namespace

TEST_CASE("lsq+ and pact ranges of N(0,1) have the least error that its integrals allow") {
  const auto values = normal_values<float>(200000, 31);
  for (const Method method : {Method::lsq_plus, Method::pact})
    for (const int bits : {2, 3, 4, 6, 8}) {
      CAPTURE(bits);
      const Candidate candidate{method, bits};
      const double smallest = smallest_code(candidate), largest = largest_code(candidate);
      double least = 1, best = 0;
      for (double clip = 0.5; clip < 8; clip += 0.005)
        if (const double error = expected_error(clip / largest, smallest, largest); error < least)
          least = error, best = clip / largest;
      const Start start = start_for_weights(values, candidate);
      const double step = method == Method::lsq_plus ? start.range : start.range / largest;
      CHECK(step == Approx(best).epsilon(0.05));
      CHECK(start.offset == 0);
      CHECK(relative_error(values, candidate, start) == Approx(least).epsilon(0.03));
      CHECK(start_for_inputs(values, {Method::pact, bits}).range ==
            start_for_weights(values, {Method::pact, bits}).range);
    }
  // Max (1960), table II: 3 levels, step 1.224, error 0.1902.
  CHECK(start_for_weights(values, {Method::pact, 2}).range == Approx(1.224).epsilon(0.03));
  CHECK(relative_error(values, {Method::pact, 2}, start_for_weights(values, {Method::pact, 2})) ==
        Approx(0.1902).epsilon(0.02));
}

TEST_CASE("no range of a dense grid beats the start by a thousandth, and three sigma never beats it") {
  for (const std::size_t count : {96, 1000, 100000})  // of the last a sample is searched
    for (const auto& values :
         {normal_values<float>(count, 38), skewed_values(count), heavy_tailed_values(count)})
      for (const Method method : {Method::lsq_plus, Method::pact})
        for (const int bits : {2, 3, 4, 8, 16}) {
          CAPTURE(count, bits);
          const Candidate candidate{method, bits};
          const double found = relative_error(values, candidate, start_for_weights(values, candidate));
          CHECK(found <= relative_error(values, candidate, three_sigma(values, candidate), 0) * (1 + 1e-9));
          if (bits == 16) continue;  // what is left there depends on where single values fall
          float largest = 0;
          for (const float value : values) largest = std::max(largest, std::abs(value));
          const double unit = method == Method::lsq_plus ? largest_code(candidate) : 1.0;
          const int points = count > 10000 ? 300 : 1000;
          double best = 1;
          for (int i = 1; i <= points; ++i)
            best = std::min(best, relative_error(values, candidate,
                                                 1.3 * static_cast<double>(largest) * i / points / unit, 0));
          CHECK(found < 1.001 * best);
        }
}

TEST_CASE("a lone outlier among many weights is not overlooked") {
  auto values = normal_values<float>(300001, 41);
  values[123456] = -90;
  // Clipping it costs more than 8 bits lose without it; at 2 bits the others come first.
  CHECK(start_for_weights(values, {Method::pact, 16}).range == Approx(90).epsilon(0.01));
  CHECK(start_for_weights(values, {Method::lsq_plus, 16}).range == Approx(90.0 / 32768).epsilon(0.01));
  CHECK(start_for_weights(values, {Method::pact, 2}).range < 2);
}

TEST_CASE("at 8 bits the public variant of the lsq+ start is a hundred times worse") {
  const auto values = normal_values<float>(200000, 31);
  const Candidate candidate{Method::lsq_plus, 8};
  const double variant = 3.0 / 255;  // covers 1.5 sigma only
  const double ours = relative_error(values, candidate, start_for_weights(values, candidate));
  CHECK(relative_error(values, candidate, variant, 0) ==
        Approx(expected_error(variant, -128, 127)).epsilon(0.05));
  CHECK(ours < relative_error(values, candidate, variant, 0) / 90);
}

TEST_CASE("uniform starts at the maximum, and full precision has nothing to start") {
  auto values = normal_values<float>(100000, 32);
  for (auto& value : values) value = 0.5f * value + 0.2f;
  float largest = 0;
  for (const float value : values) largest = std::max(largest, std::abs(value));
  for (const auto start_for : {start_for_weights, start_for_inputs}) {
    CHECK(start_for(values, {Method::uniform, 4}).range == static_cast<double>(largest));
    CHECK(start_for(values, {Method::pact, 4}).offset == 0);
    CHECK(start_for(values, {}).range == 1);
  }
}

TEST_CASE("lsq+ inputs never start worse than min-max") {
  for (const auto& values :
       {normal_values<float>(30000, 37), skewed_values(30000), heavy_tailed_values(30000)})
    for (int bits = 2; bits <= 16; ++bits) {
      CAPTURE(bits);
      const Candidate candidate{Method::lsq_plus, bits};
      const Start start = start_for_inputs(values, candidate);
      CHECK(start.range > 0);
      CHECK(relative_error(values, candidate, start) <=
            relative_error(values, candidate, min_max(values, candidate)));
    }
}

TEST_CASE("lsq+ inputs start within a percent of the best point of a grid") {
  const std::size_t count = 8000;
  for (const auto& values :
       {normal_values<float>(count, 38), skewed_values(count), heavy_tailed_values(count)})
    for (const int bits : {2, 3, 4, 8}) {
      CAPTURE(bits);
      const Candidate candidate{Method::lsq_plus, bits};
      const auto [low, high] = std::minmax_element(values.begin(), values.end());
      double best = 1;
      for (int i = 1; i <= 70; ++i)
        for (int j = 1; j <= 70; ++j) {
          const double bottom = static_cast<double>(*low) * i / 70, top = static_cast<double>(*high) * j / 70;
          const double step = (top - bottom) / (largest_code(candidate) - smallest_code(candidate));
          best = std::min(best,
                          relative_error(values, candidate, step, bottom - smallest_code(candidate) * step));
        }
      CHECK(relative_error(values, candidate, start_for_inputs(values, candidate)) < 1.01 * best);
    }
}

TEST_CASE("the start of lsq+ inputs finds Max's optimal uniform quantizer of N(0,1)") {
  // Max (1960), table II: 16 levels, step 0.3352, error 0.01154; 4 levels, step 0.9957, error 0.1188.
  const auto values = normal_values<float>(400000, 39);
  CHECK(relative_error(values, {Method::lsq_plus, 4}, start_for_inputs(values, {Method::lsq_plus, 4})) ==
        Approx(0.01154).epsilon(0.03));
  CHECK(start_for_inputs(values, {Method::lsq_plus, 4}).range == Approx(0.3352).epsilon(0.05));
  CHECK(relative_error(values, {Method::lsq_plus, 2}, start_for_inputs(values, {Method::lsq_plus, 2})) ==
        Approx(0.1188).epsilon(0.03));
}

TEST_CASE("a thinned sample does as well as all values, whatever the period of the data") {
  // Columns with scales of their own, as activations have: 512 of them, a power of two like every stride.
  auto values = normal_values<float>(std::size_t{512} * 1024, 40);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] *= static_cast<float>(i % 512) / 256;
  const Candidate candidate{Method::lsq_plus, 4};
  const std::vector<float> shuffled_part = [&] {
    std::vector<float> part;
    for (std::size_t i = 0; i < values.size(); i += 7) part.push_back(values[i]);
    return part;
  }();
  CHECK(relative_error(values, candidate, start_for_inputs(values, candidate)) <
        1.005 * relative_error(values, candidate, start_for_inputs(shuffled_part, candidate)));
}

TEST_CASE("tensors without spread start with a small positive range") {
  for (const auto& candidate : all_candidates())
    for (const auto& values :
         {std::vector<float>(100, 0.0f), std::vector<float>(100, -2.5f), std::vector<float>{}})
      for (const auto start_for : {start_for_weights, start_for_inputs}) {
        const Start start = start_for(values, candidate);
        CHECK(start.range > 0);
        CHECK(std::isfinite(start.range));
        CHECK(std::isfinite(start.offset));
      }
  const std::vector<float> constant(100, -2.5f);
  CHECK(relative_error(constant, {Method::lsq_plus, 4}, start_for_inputs(constant, {Method::lsq_plus, 4})) <
        1e-12);
}

TEST_CASE("values that are not finite are no start") {
  const std::vector<float> values{1.0f, std::numeric_limits<float>::quiet_NaN()};
  CHECK_THROWS(start_for_weights(values, {Method::lsq_plus, 4}));
  CHECK_THROWS(start_for_inputs(values, {Method::pact, 4}));
}
