// Each quantizer alone against METHOD section 2, written out once more in double.
#include "catch.hpp"
#include "inputs.hpp"

using namespace quant_test;

namespace {

double clip(double v, double low, double high) { return v < low ? low : v > high ? high : v; }

// The forward column of the table.
double table_forward(double x, const Candidate& candidate, double range, double offset) {
  if (candidate.method == Method::identity) return x;
  const double qp = std::exp2(candidate.bits - 1) - 1;
  switch (candidate.method) {
    case Method::lsq_plus:
      return range * std::nearbyint(clip((x - offset) / range, -qp - 1, qp)) + offset;
    case Method::pact:
      return range / qp * std::nearbyint(clip(x, -range, range) / (range / qp));
    default:
      return range / qp * clip(std::nearbyint(x / (range / qp)), -qp, qp);
  }
}

struct Slopes {
  double by_x = 0, by_range = 0, by_offset = 0;
};

// The gradient column of the table.
Slopes table_slopes(double x, const Candidate& candidate, double range, double offset) {
  if (candidate.method == Method::identity) return {1, 0, 0};
  const double qp = std::exp2(candidate.bits - 1) - 1;
  if (candidate.method == Method::pact) {
    if (x >= range) return {0, 1, 0};
    if (x <= -range) return {0, -1, 0};
    return {1, 0, 0};
  }
  if (candidate.method == Method::uniform) return {std::abs(x) <= range ? 1.0 : 0.0, 0, 0};
  const double v = (x - offset) / range;
  if (v < -qp - 1) return {0, -qp - 1, 1};
  if (v > qp) return {0, qp, 1};
  return {1, std::nearbyint(v) - v, 0};
}

// The straight-through surrogate around (x0, range0, offset0): the rounding residue is held fixed, the rest
// may move.
struct Surrogate {
  Candidate candidate;
  double x0, range0, offset0;
  double operator()(double x, double range, double offset) const {
    if (candidate.method != Method::lsq_plus) return clip(x, -range, range);
    const double qp = std::exp2(candidate.bits - 1) - 1;
    const double v0 = clip((x0 - offset0) / range0, -qp - 1, qp);
    const double residue = std::nearbyint(v0) - v0;
    return range * (clip((x - offset) / range, -qp - 1, qp) + residue) + offset;
  }
};

Slopes kernel_slopes(double x, const BoundCandidate<double>& bound) {
  const double one = 1;
  double dx = 0;
  MixedSums sums;
  mixed_backward<double>({&x, 1}, {&one, 1}, {&bound, 1}, {&dx, 1}, {}, sums);
  return {dx, sums.candidates[0].gradient_range, sums.candidates[0].gradient_offset};
}

double offset_for(const Candidate& candidate) { return candidate.method == Method::lsq_plus ? 0.37 : 0.0; }

}  // namespace

TEST_CASE("every quantizer's forward is the formula of METHOD section 2") {
  const auto xs = normal_values<double>(500, 1);
  for (const auto& candidate : all_candidates()) {
    CAPTURE(to_string(candidate));
    const double range = usual_range(candidate), offset = offset_for(candidate);
    const auto bound = bind<double>(candidate, range, offset, 1);
    std::vector<double> mixed(xs.size());
    mixed_forward<double>(xs, {&bound, 1}, mixed);
    for (std::size_t i = 0; i < xs.size(); ++i) {
      const double expected = table_forward(xs[i], candidate, range, offset);
      REQUIRE(mixed[i] == Approx(expected).margin(1e-14));
      REQUIRE(reference::quantize(xs[i], bound) == mixed[i]);
    }
  }
}

TEST_CASE("in float a value lands on the double formula's code, or on its neighbour at a tie") {
  const auto xs = normal_values<float>(2000, 2);
  for (const auto& candidate : all_candidates()) {
    CAPTURE(to_string(candidate));
    const double range = usual_range(candidate), offset = offset_for(candidate);
    const auto bound = bind<float>(candidate, range, offset, 1);
    std::vector<float> mixed(xs.size());
    mixed_forward<float>(xs, {&bound, 1}, mixed);
    const double step = static_cast<double>(bound.step);
    for (std::size_t i = 0; i < xs.size(); ++i) {
      const double x = static_cast<double>(xs[i]), value = static_cast<double>(mixed[i]);
      const double v = (x - offset) / step;
      const double from_tie = std::abs(v - std::floor(v) - 0.5);
      // v carries a few roundings of relative size 2^-24; |v| <= 2^15 here.
      const double uncertainty = 4 * std::abs(v) * std::exp2(-24);
      const double allowed = (from_tie <= uncertainty ? step : 0) + 4 * std::exp2(-24) * std::abs(x) + 1e-7;
      REQUIRE(std::abs(value - table_forward(x, candidate, range, offset)) <= allowed);
    }
  }
}

TEST_CASE("ties round to the even code") {
  for (const Method method : {Method::lsq_plus, Method::pact, Method::uniform}) {
    const double range = method == Method::lsq_plus ? 0.25 : 0.25 * 7;  // step 1/4 exactly
    const auto bound = bind<float>({method, 4}, range, 0, 1);
    const std::vector<float> xs{0.125f, 0.375f, 0.625f, -0.125f, -0.375f, -0.625f};
    std::vector<float> mixed(xs.size());
    mixed_forward<float>(xs, {&bound, 1}, mixed);
    CHECK(mixed == std::vector<float>{0.0f, 0.5f, 0.5f, 0.0f, -0.5f, -0.5f});
  }
}

TEST_CASE("lsq+ alone uses the lowest code -2^(b-1)") {
  const std::vector<float> xs{-100.0f, 100.0f};
  std::vector<float> mixed(2);
  const auto lsq = bind<float>({Method::lsq_plus, 4}, 1, 0, 1);
  mixed_forward<float>(xs, {&lsq, 1}, mixed);
  CHECK(mixed == std::vector<float>{-8.0f, 7.0f});
  for (const Method method : {Method::pact, Method::uniform}) {
    const auto symmetric = bind<float>({method, 4}, 7, 0, 1);
    mixed_forward<float>(xs, {&symmetric, 1}, mixed);
    CHECK(mixed == std::vector<float>{-7.0f, 7.0f});
  }
}

TEST_CASE("every quantizer's gradients are the table of METHOD section 2") {
  for (const auto& candidate : all_candidates()) {
    CAPTURE(to_string(candidate));
    const double range = usual_range(candidate), offset = offset_for(candidate);
    const auto bound = bind<double>(candidate, range, offset, 1);
    auto xs = normal_values<double>(200, 3);
    xs.insert(xs.end(), {-50, 50, range, -range, 0});
    for (const double x : xs) {
      CAPTURE(x);
      const Slopes found = kernel_slopes(x, bound), expected = table_slopes(x, candidate, range, offset);
      REQUIRE(found.by_x == expected.by_x);
      REQUIRE(found.by_range == Approx(expected.by_range).margin(1e-11));
      REQUIRE(found.by_offset == expected.by_offset);
    }
  }
}

TEST_CASE("gradients are finite differences of the straight-through surrogate") {
  for (const auto& candidate : all_candidates()) {
    if (candidate.method == Method::identity || candidate.method == Method::uniform) continue;
    CAPTURE(to_string(candidate));
    const double range = usual_range(candidate), offset = offset_for(candidate);
    const auto bound = bind<double>(candidate, range, offset, 1);
    for (const double x : normal_values<double>(100, 4)) {
      CAPTURE(x);
      const Surrogate q{candidate, x, range, offset};
      const double h = 1e-6, hr = 1e-6 * range;
      const Slopes found = kernel_slopes(x, bound);
      const double scale = 1 + std::abs(found.by_range);
      REQUIRE(found.by_x ==
              Approx((q(x + h, range, offset) - q(x - h, range, offset)) / (2 * h)).margin(1e-5));
      REQUIRE(std::abs(found.by_range - (q(x, range + hr, offset) - q(x, range - hr, offset)) / (2 * hr)) <
              1e-5 * scale);
      if (candidate.method == Method::lsq_plus)
        REQUIRE(found.by_offset ==
                Approx((q(x, range, offset + h) - q(x, range, offset - h)) / (2 * h)).margin(1e-5));
    }
  }
}

TEST_CASE("out of range the step's gradient is the true derivative of the quantizer") {
  // Codes do not move there, so that finite differences of Q itself apply.
  const Candidate candidate{Method::lsq_plus, 4};
  const double range = 0.1, offset = 0.05, h = 1e-7;
  for (const double x : {-3.0, -1.2, 1.1, 4.0}) {
    const double by_step =
        (table_forward(x, candidate, range + h, offset) - table_forward(x, candidate, range - h, offset)) /
        (2 * h);
    CHECK(kernel_slopes(x, bind<double>(candidate, range, offset, 1)).by_range ==
          Approx(by_step).epsilon(1e-6));
  }
}

TEST_CASE("in range the step's gradient is the error in steps") {
  const auto bound = bind<double>({Method::lsq_plus, 6}, 0.07, 0.2, 1);
  for (const double x : normal_values<double>(200, 6)) {
    const Slopes slopes = kernel_slopes(x, bound);
    if (slopes.by_x == 1)
      CHECK(slopes.by_range == Approx((reference::quantize(x, bound) - x) / 0.07).margin(1e-12));
  }
}

TEST_CASE("shifting x and the offset by whole steps shifts the code and changes no gradient") {
  const double step = 0.125;  // exact in binary, as are the shifts
  for (const double x : {0.3, -0.71, 0.0625, 5.0}) {
    const auto here = bind<double>({Method::lsq_plus, 5}, step, 0.25, 1);
    const auto there = bind<double>({Method::lsq_plus, 5}, step, 0.25 + 3 * step, 1);
    CHECK(reference::quantize(x + 3 * step, there) == Approx(reference::quantize(x, here) + 3 * step));
    CHECK(kernel_slopes(x + 3 * step, there).by_range == Approx(kernel_slopes(x, here).by_range));
    CHECK(kernel_slopes(x + 3 * step, there).by_offset == kernel_slopes(x, here).by_offset);
  }
}

TEST_CASE("an all-zero tensor stays zero under a range that is not positive") {
  for (const auto& candidate : all_candidates()) {
    for (const double range : {0.0, -1.0, 1e-60}) {
      const std::vector<float> xs(20, 0.0f);
      std::vector<float> mixed(20, 1.0f);
      const auto bound = bind<float>(candidate, range, 0, 1);
      mixed_forward<float>(xs, {&bound, 1}, mixed);
      REQUIRE(mixed == xs);
    }
  }
}

TEST_CASE("the largest weight is in the range of uniform") {
  for (const float largest : normal_values<float>(300, 7)) {
    const float m = std::abs(largest);
    for (int bits = 2; bits <= 16; ++bits) {
      const auto bound = bind<float>({Method::uniform, bits}, static_cast<double>(m), 0, 1);
      const float one = 1;
      float dx = 0;
      MixedSums sums;
      mixed_backward<float>({&m, 1}, {&one, 1}, {&bound, 1}, {&dx, 1}, {}, sums);
      REQUIRE(dx == 1.0f);
    }
  }
}
