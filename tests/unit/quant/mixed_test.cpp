// The fused kernel against the reference.
#include <omp.h>

#include <cstring>

#include "catch.hpp"
#include "inputs.hpp"
#include "quant/mixed_kernel.hpp"

using namespace quant_test;

namespace {

constexpr double CandidateSums::*members[] = {
    &CandidateSums::gradient_quantized, &CandidateSums::squared_error,   &CandidateSums::gradient_range,
    &CandidateSums::error_range,        &CandidateSums::gradient_offset, &CandidateSums::error_offset};

// The sum of the magnitudes of what each sum adds up: what rounding errors are relative to.
template <class Real>
std::vector<CandidateSums> magnitudes(const std::vector<Real>& x, const std::vector<Real>& gradient,
                                      const std::vector<BoundCandidate<Real>>& candidates,
                                      ErrorMeasure measure) {
  std::vector<CandidateSums> totals(candidates.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    MixedSums one;
    reference::mixed_backward<Real>({&x[i], 1}, {&gradient[i], 1}, candidates, {}, {}, one, measure);
    for (std::size_t j = 0; j < candidates.size(); ++j)
      for (const auto member : members) totals[j].*member += std::abs(one.candidates[j].*member);
  }
  return totals;
}

// The sums up to rounding: a lane adds at most 2048 / 8 numbers in Real, and each carries a few roundings.
template <class Real>
void require_sums(const std::vector<Real>& x, const std::vector<Real>& gradient,
                  const std::vector<BoundCandidate<Real>>& candidates, const MixedSums& found,
                  ErrorMeasure measure) {
  MixedSums expected;
  reference::mixed_backward<Real>(x, gradient, candidates, {}, {}, expected, measure);
  const double tolerance = 300 * static_cast<double>(std::numeric_limits<Real>::epsilon());
  const double underflow =
      static_cast<double>(x.size()) * static_cast<double>(std::numeric_limits<Real>::min());
  const auto sizes = magnitudes(x, gradient, candidates, measure);
  REQUIRE(found.candidates.size() == candidates.size());
  for (std::size_t j = 0; j < candidates.size(); ++j)
    for (const auto member : members)
      REQUIRE(std::abs(found.candidates[j].*member - expected.candidates[j].*member) <=
              tolerance * sizes[j].*member + underflow);
  CHECK(found.square == Approx(expected.square).epsilon(tolerance).margin(underflow));
  CHECK(found.maximum == expected.maximum);
  CHECK(found.count == static_cast<double>(x.size()));
}

// What ErrorMeasure::fisher changes, and what it does not.
template <class Real>
void require_weighted_agreement(const std::vector<Real>& x, const std::vector<Real>& gradient,
                                const std::vector<BoundCandidate<Real>>& candidates,
                                const std::vector<Real>& expected_dx, const std::vector<Real>& expected_mixed,
                                const MixedSums& relative) {
  std::vector<Real> dx(x.size()), mixed(x.size());
  MixedSums sums, errors;
  mixed_backward<Real>(x, gradient, candidates, dx, mixed, sums, ErrorMeasure::fisher);
  mixed_weighted_errors<Real>(x, gradient, candidates, errors);
  CHECK(dx == expected_dx);
  CHECK(mixed == expected_mixed);
  require_sums(x, gradient, candidates, sums, ErrorMeasure::fisher);
  CHECK(errors.count == sums.count);
  for (std::size_t j = 0; j < candidates.size(); ++j) {
    const auto &found = sums.candidates[j], &plain = relative.candidates[j];
    CHECK(found.gradient_quantized == plain.gradient_quantized);
    CHECK(found.gradient_range == plain.gradient_range);
    CHECK(found.gradient_offset == plain.gradient_offset);
    CHECK(errors.candidates[j].squared_error == found.squared_error);
    CHECK(errors.candidates[j].error_range == found.error_range);
  }
}

template <class Real>
void require_agreement(const std::vector<Real>& x, const std::vector<Real>& gradient,
                       const std::vector<BoundCandidate<Real>>& candidates) {
  const std::size_t n = x.size();
  std::vector<Real> forward(n), dx(n), mixed(n), expected(n), expected_dx(n), expected_mixed(n);
  MixedSums sums, errors, unused;
  mixed_forward<Real>(x, candidates, forward);
  mixed_backward<Real>(x, gradient, candidates, dx, mixed, sums);
  mixed_errors<Real>(x, candidates, errors);
  reference::mixed_forward<Real>(x, candidates, expected);
  reference::mixed_backward<Real>(x, gradient, candidates, expected_dx, expected_mixed, unused);
  CHECK(forward == mixed);  // recomputed, not saved, and the same bits
  std::vector<Real> dx_alone(n), mixed_alone(n);
  CHECK(mixed_backward_values<Real>(x, gradient, candidates, dx_alone, mixed_alone) == sums.maximum);
  CHECK(dx_alone == dx);
  CHECK(mixed_alone == mixed);

  const double epsilon = static_cast<double>(std::numeric_limits<Real>::epsilon());
  const double terms = static_cast<double>(candidates.size()) + 1;
  for (std::size_t i = 0; i < n; ++i) {
    const double size = std::abs(static_cast<double>(x[i])) + 3;  // bounds every Q(x) here
    REQUIRE(std::abs(static_cast<double>(forward[i]) - static_cast<double>(expected[i])) <=
            terms * epsilon * size);
    REQUIRE(std::abs(static_cast<double>(dx[i]) - static_cast<double>(expected_dx[i])) <=
            terms * epsilon * std::abs(static_cast<double>(gradient[i])));
  }
  require_sums(x, gradient, candidates, sums, ErrorMeasure::relative);
  require_weighted_agreement(x, gradient, candidates, dx, mixed, sums);
  for (std::size_t j = 0; j < candidates.size(); ++j) {
    CHECK(errors.candidates[j].squared_error == sums.candidates[j].squared_error);
    CHECK(errors.candidates[j].error_range == sums.candidates[j].error_range);
    CHECK(errors.candidates[j].error_offset == sums.candidates[j].error_offset);
  }
  CHECK(errors.square == sums.square);
  CHECK(errors.maximum == sums.maximum);
}

constexpr std::size_t sizes_to_try[] = {0, 1, 7, 8, 15, 16, 17, 1023, 1025, 2047, 2048, 2049, 100000};

}  // namespace

TEMPLATE_TEST_CASE("the fused kernel agrees with the reference on awkward inputs of every size", "", float,
                   double) {
  const auto candidates = bound_set<TestType>(parse_candidates(default_names), 0.3);
  for (const std::size_t size : sizes_to_try) {
    CAPTURE(size);
    require_agreement(mixed_values(candidates, size), normal_values<TestType>(size, 8), candidates);
  }
}

TEMPLATE_TEST_CASE("the fused kernel agrees with the reference for every method and width", "", float,
                   double) {
  const auto candidates = bound_set<TestType>(all_candidates(), -0.2);
  require_agreement(mixed_values(candidates, 9000), normal_values<TestType>(9000, 9), candidates);
}

TEMPLATE_TEST_CASE("a lone candidate's values are the reference's, bit for bit", "", float, double) {
  for (const auto& candidate : all_candidates()) {
    CAPTURE(to_string(candidate));
    for (const double scale : {1e-12, 1.0, 1e7}) {
      const auto bound = bind<TestType>(candidate, scale * usual_range(candidate), scale * 0.3, 1);
      const auto x = mixed_values<TestType>({bound}, 1000);
      std::vector<TestType> fused(x.size()), expected(x.size());
      mixed_forward<TestType>(x, {&bound, 1}, fused);
      reference::mixed_forward<TestType>(x, {&bound, 1}, expected);
      REQUIRE(fused == expected);
    }
  }
}

TEMPLATE_TEST_CASE("every instruction set gives the same bits", "", float, double) {
  const auto candidates = bound_set<TestType>(parse_candidates(default_names), 0.3);
  const std::size_t count = candidates.size();
  for (const std::size_t size : {1, 15, 16, 17, 63, 1025, 2048}) {
    CAPTURE(size);
    auto x = mixed_values(candidates, size);
    if (size > 100) x[37] = std::numeric_limits<TestType>::infinity();
    const auto gradient = normal_values<TestType>(size, 10);
    const auto run = [&](InstructionSet set) {
      const auto kernels = block_kernels<TestType>(set);
      std::vector<TestType> values(5 * size);
      std::vector<CandidateSums> sums(4 * count);
      BlockSums backward{sums.data()}, errors{sums.data() + count};
      BlockSums weighted{sums.data() + 2 * count}, weighted_errors{sums.data() + 3 * count};
      kernels.forward(x.data(), size, candidates.data(), count, values.data());
      kernels.backward(x.data(), gradient.data(), size, candidates.data(), count, values.data() + size,
                       values.data() + 2 * size, backward);
      kernels.errors(x.data(), size, candidates.data(), count, errors);
      kernels.weighted_backward(x.data(), gradient.data(), size, candidates.data(), count,
                                values.data() + 3 * size, values.data() + 4 * size, weighted);
      kernels.weighted_errors(x.data(), gradient.data(), size, candidates.data(), count, weighted_errors);
      std::vector<double> all(values.begin(), values.end());
      for (const auto& sum : sums)
        for (const auto member : members) all.push_back(sum.*member);
      for (const double value : {backward.square, backward.maximum, errors.square, errors.maximum,
                                 weighted.square, weighted.maximum})
        all.push_back(value);
      return all;
    };
    const auto baseline = run(InstructionSet::baseline);
    for (const InstructionSet set : {InstructionSet::avx2, InstructionSet::avx512}) {
      if (!is_supported(set)) continue;
      const auto other = run(set);
      for (std::size_t i = 0; i < baseline.size(); ++i) REQUIRE(same(baseline[i], other[i]));
    }
  }
}

TEMPLATE_TEST_CASE("the number of threads changes no bit", "", float, double) {
  const std::size_t size = 100003;
  const auto candidates = bound_set<TestType>(parse_candidates(default_names), 0.3);
  const auto x = mixed_values(candidates, size), gradient = normal_values<TestType>(size, 11);
  const int threads_before = omp_get_max_threads();
  const auto run = [&](int threads) {
    omp_set_num_threads(threads);
    std::vector<TestType> forward(size), dx(size), mixed(size);
    MixedSums sums;
    mixed_forward<TestType>(x, candidates, forward);
    mixed_backward<TestType>(x, gradient, candidates, dx, mixed, sums);
    std::vector<double> all{sums.square, sums.maximum, sums.count};
    for (const auto& sum : sums.candidates)
      for (const auto member : members) all.push_back(sum.*member);
    for (const auto* values : {&forward, &dx, &mixed}) all.insert(all.end(), values->begin(), values->end());
    return all;
  };
  const auto one = run(1);
  for (const int threads : {2, 3, 4, 7}) CHECK((run(threads) == one));
  omp_set_num_threads(threads_before);
}

TEMPLATE_TEST_CASE("outputs may be the inputs", "", float, double) {
  const std::size_t size = 5001;
  const auto candidates = bound_set<TestType>(parse_candidates(default_names), 0.3);
  const auto x = mixed_values(candidates, size), gradient = normal_values<TestType>(size, 12);
  std::vector<TestType> mixed(size), dx(size);
  MixedSums apart;
  mixed_backward<TestType>(x, gradient, candidates, dx, mixed, apart);

  auto in_place = x;
  mixed_forward<TestType>(in_place, candidates, in_place);
  CHECK((in_place == mixed));
  auto x_again = x, g_again = gradient;
  MixedSums together;
  mixed_backward<TestType>(x_again, g_again, candidates, g_again, x_again, together);
  CHECK((g_again == dx));
  CHECK((x_again == mixed));
  CHECK(together.candidates[3].gradient_range == apart.candidates[3].gradient_range);

  MixedSums sums_only;
  mixed_backward<TestType>(x, gradient, candidates, {}, {}, sums_only);
  CHECK(sums_only.candidates[0].gradient_quantized == apart.candidates[0].gradient_quantized);
}

TEMPLATE_TEST_CASE("NaN and infinities go through as documented", "", float, double) {
  constexpr TestType nan = std::numeric_limits<TestType>::quiet_NaN();
  constexpr TestType infinity = std::numeric_limits<TestType>::infinity();
  const std::vector<TestType> x{
      1, nan, infinity, -infinity, std::numeric_limits<TestType>::max(), TestType(-0.2)};
  const std::vector<TestType> gradient(x.size(), 2);
  std::vector<TestType> mixed(x.size()), dx(x.size()), expected(x.size()), expected_dx(x.size());
  for (const auto& candidate : all_candidates()) {
    CAPTURE(to_string(candidate));
    const auto bound = bind<TestType>(candidate, usual_range(candidate), 0, 1);
    MixedSums sums, expected_sums;
    mixed_backward<TestType>(x, gradient, {&bound, 1}, dx, mixed, sums);
    reference::mixed_backward<TestType>(x, gradient, {&bound, 1}, expected_dx, expected, expected_sums);
    for (std::size_t i = 0; i < x.size(); ++i) {
      REQUIRE(same(mixed[i], expected[i]));
      REQUIRE(same(dx[i], expected_dx[i]));
    }
    if (candidate.method == Method::lsq_plus || candidate.method == Method::pact)
      for (const auto member : {&CandidateSums::gradient_range, &CandidateSums::error_range})
        CHECK(std::isnan(sums.candidates[0].*member) == std::isnan(expected_sums.candidates[0].*member));
    CHECK(std::isnan(mixed[1]));
    CHECK(std::isnan(sums.candidates[0].gradient_quantized));
    CHECK(sums.maximum == std::numeric_limits<double>::infinity());
    CHECK(std::isnan(sums.square));
    if (candidate.method == Method::identity) {
      CHECK(mixed[2] == infinity);
      CHECK(dx == gradient);
      CHECK(sums.candidates[0].squared_error == 0);
    } else {
      CHECK(mixed[2] == bound.step * bound.largest);
      CHECK(mixed[3] == bound.step * bound.smallest);
      CHECK(mixed[4] == mixed[2]);
      CHECK(std::vector<TestType>(dx.begin() + 1, dx.begin() + 5) == std::vector<TestType>(4, 0));
    }
  }
}

TEMPLATE_TEST_CASE("a gradient that is no number shows in the weighted errors, the identity's excepted", "",
                   float, double) {
  constexpr TestType nan = std::numeric_limits<TestType>::quiet_NaN();
  constexpr TestType infinity = std::numeric_limits<TestType>::infinity();
  const auto sums_of = [](const BoundCandidate<TestType>& bound, TestType x, TestType g) {
    const std::vector<TestType> xs{x, TestType(0.3)}, gs{g, TestType(0.5)};
    MixedSums sums, expected, light;
    mixed_backward<TestType>(xs, gs, {&bound, 1}, {}, {}, sums, ErrorMeasure::fisher);
    reference::mixed_backward<TestType>(xs, gs, {&bound, 1}, {}, {}, expected, ErrorMeasure::fisher);
    mixed_weighted_errors<TestType>(xs, gs, {&bound, 1}, light);
    CHECK(same(sums.candidates[0].squared_error, light.candidates[0].squared_error));
    CHECK(std::isnan(sums.candidates[0].squared_error) == std::isnan(expected.candidates[0].squared_error));
    return sums.candidates[0].squared_error;
  };
  for (const auto& candidate : all_candidates()) {
    CAPTURE(to_string(candidate));
    const auto bound = bind<TestType>(candidate, usual_range(candidate), 0, 1);
    if (candidate.method == Method::identity) {
      CHECK(sums_of(bound, 1, nan) == 0);
      CHECK(sums_of(bound, nan, 1) == 0);
    } else {
      CHECK(std::isnan(sums_of(bound, TestType(0.4321), nan)));
      CHECK(std::isnan(sums_of(bound, nan, 1)));
      CHECK(sums_of(bound, TestType(0.4321), infinity) == std::numeric_limits<double>::infinity());
      CHECK(sums_of(bound, infinity, 1) == std::numeric_limits<double>::infinity());
      CHECK(std::isnan(sums_of(bound, infinity, 0)));
      CHECK(sums_of(bound, TestType(0.4321), 0) < 0.1);  // 0.3 alone
    }
  }
}

TEST_CASE("sums are added to what is there, and the maximum is the larger one") {
  const auto candidates = bound_set<float>(parse_candidates(default_names), 0);
  const auto x = normal_values<float>(3000, 13), gradient = normal_values<float>(3000, 14);
  MixedSums once, twice;
  mixed_backward<float>(x, gradient, candidates, {}, {}, once);
  mixed_backward<float>(x, gradient, candidates, {}, {}, twice);
  mixed_backward<float>(x, gradient, candidates, {}, {}, twice);
  for (std::size_t j = 0; j < candidates.size(); ++j)
    for (const auto member : members) CHECK(twice.candidates[j].*member == 2 * (once.candidates[j].*member));
  CHECK(twice.square == 2 * once.square);
  CHECK(twice.maximum == once.maximum);
  CHECK(twice.count == 6000);
}

TEST_CASE("spans of unequal length are refused") {
  const auto candidates = bound_set<float>(parse_candidates(default_names), 0);
  std::vector<float> three(3), four(4);
  MixedSums sums;
  CHECK_THROWS(mixed_forward<float>(three, candidates, four));
  CHECK_THROWS(mixed_backward<float>(three, four, candidates, {}, {}, sums));
  CHECK_THROWS(mixed_backward<float>(three, three, candidates, four, {}, sums));
  MixedSums other;
  other.candidates.resize(3);
  CHECK_THROWS(mixed_errors<float>(three, candidates, other));
}

TEST_CASE("the closed alpha gradient is the finite difference of the mixture to 1e-6") {
  const auto set = parse_candidates(default_names);
  const auto x = normal_values<double>(400, 15), gradient = normal_values<double>(400, 16);
  const double temperature = 0.7, h = 1e-5;
  std::vector<double> alpha;
  for (std::size_t j = 0; j < set.size(); ++j) alpha.push_back(std::sin(static_cast<double>(j)));
  const auto bound_at = [&](const std::vector<double>& a) {
    std::vector<double> p;
    double total = 0;
    for (const double value : a) total += p.emplace_back(std::exp(value / temperature));
    std::vector<BoundCandidate<double>> bound;
    for (std::size_t j = 0; j < set.size(); ++j)
      bound.push_back(bind<double>(set[j], usual_range(set[j]), 0.1, p[j] / total));
    return bound;
  };
  const auto loss = [&](const std::vector<double>& a) {  // <G, mixture>
    std::vector<double> mixed(x.size());
    mixed_forward<double>(x, bound_at(a), mixed);
    double sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) sum += gradient[i] * mixed[i];
    return sum;
  };
  const auto bound = bound_at(alpha);
  MixedSums sums;
  mixed_backward<double>(x, gradient, bound, {}, {}, sums);
  double mean = 0;
  for (std::size_t j = 0; j < set.size(); ++j)
    mean += bound[j].probability * sums.candidates[j].gradient_quantized;
  for (std::size_t k = 0; k < set.size(); ++k) {
    auto up = alpha, down = alpha;
    up[k] += h;
    down[k] -= h;
    const double closed = bound[k].probability / temperature * (sums.candidates[k].gradient_quantized - mean);
    CHECK(closed == Approx((loss(up) - loss(down)) / (2 * h)).epsilon(1e-6).margin(1e-8));
  }
}
