#include "model/row_kernel.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include "catch.hpp"
#include "core/random.hpp"

using namespace bitdarts;

namespace {

template <class Real>
std::vector<Real> normal(std::int64_t n, std::uint64_t seed, double spread = 1) {
  std::vector<Real> values;
  KeyedRandom random(seed, Stream::initialisation);
  for (std::int64_t i = 0; i < n; ++i) values.push_back(static_cast<Real>(spread * random.normal()));
  return values;
}

// Everything that the kernels of one instruction set make of the same numbers.
template <class Real>
std::vector<Real> all_results(const model::RowKernels<Real>& kernel, std::int64_t width) {
  constexpr std::int64_t rows = 6, heads = 3;
  const std::int64_t n = rows * width, wide = model::padded<Real>(width);
  const auto x = normal<Real>(n, 1, 4), w = normal<Real>(width, 2), g = normal<Real>(n, 3);
  std::vector<Real> all;
  const auto keep = [&](const std::vector<Real>& values) {
    all.insert(all.end(), values.begin(), values.end());
  };
  std::vector<Real> y(x.size()), z(x.size()), inverse(rows), dw(w.size());
  kernel.rms_norm_forward(x.data(), w.data(), Real(1e-5), rows, width, y.data(), inverse.data());
  kernel.rms_norm_backward(x.data(), w.data(), inverse.data(), g.data(), rows, width, z.data(), dw.data());
  for (const auto* values : {&y, &inverse, &z, &dw}) keep(*values);
  kernel.swiglu_forward(x.data(), g.data(), n, y.data());
  keep(y);
  kernel.swiglu_backward(x.data(), g.data(), x.data(), n, y.data(), z.data());
  keep(y);
  keep(z);
  const std::int64_t size = 2 * width;  // of a head; 2 sequences of 3 positions
  const auto tall = normal<Real>(rows * heads * size, 4), table = normal<Real>(3 * size, 5);
  std::vector<Real> turned(tall.size());
  kernel.rotate(tall.data(), table.data(), table.data(), Real(-1), 0, rows, 3, heads, size, turned.data());
  keep(turned);
  auto row = normal<Real>(wide, 6, 30), gradient = normal<Real>(wide, 7);
  auto again = row;
  const auto softmax = kernel.softmax(row.data(), width, wide);
  keep(row);
  keep({softmax.maximum, softmax.sum});
  kernel.softmax_again(again.data(), width, wide, softmax.maximum, Real(1) / softmax.sum);
  keep(again);
  kernel.softmax_backward(again.data(), gradient.data(), wide, Real(0.3));
  keep(gradient);
  kernel.scale(row.data(), wide, Real(0.7));
  keep(row);
  return all;
}

}  // namespace

TEMPLATE_TEST_CASE("the row kernels give the same bits on every instruction set", "", float, double) {
  for (const std::int64_t width : {1, 7, 8, 16, 17, 100}) {
    CAPTURE(width);
    const auto baseline = all_results(model::row_kernels<TestType>(InstructionSet::baseline), width);
    for (const InstructionSet set : {InstructionSet::avx2, InstructionSet::avx512}) {
      if (!is_supported(set)) continue;
      const auto found = all_results(model::row_kernels<TestType>(set), width);
      REQUIRE(found.size() == baseline.size());
      for (std::size_t i = 0; i < found.size(); ++i) REQUIRE(found[i] == baseline[i]);
    }
  }
}

TEMPLATE_TEST_CASE("the softmax's exponential is exact to two units in the last place", "", float, double) {
  const std::int64_t n = model::padded<TestType>(2000);
  const double lowest = sizeof(TestType) == 4 ? -60 : -400;  // below, it is nothing
  std::vector<TestType> row;
  for (std::int64_t i = 0; i < n; ++i)
    row.push_back(static_cast<TestType>(lowest * static_cast<double>(i) / static_cast<double>(n - 1)));
  const auto x = row;  // its largest is 0
  const auto softmax = model::row_kernels<TestType>().softmax(row.data(), n, n);
  CHECK(softmax.maximum == 0);
  long double sum = 0;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const auto expected = std::exp(static_cast<long double>(x[i]));
    const long double allowed = 2 * expected * std::numeric_limits<TestType>::epsilon();
    REQUIRE(std::abs(static_cast<long double>(row[i]) - expected) <= allowed);
    sum += expected;
  }
  CHECK(static_cast<double>(softmax.sum) ==
        Approx(static_cast<double>(sum))
            .epsilon(100 * static_cast<double>(std::numeric_limits<TestType>::epsilon())));
}

TEMPLATE_TEST_CASE("a softmax has no subnormal numbers, with which products are slow", "", float, double) {
  std::vector<TestType> row(16), gradient(16, TestType(1e-4));
  for (std::size_t i = 0; i < row.size(); ++i) row[i] = static_cast<TestType>(-60.0 * static_cast<double>(i));
  const auto& kernel = model::row_kernels<TestType>();
  auto again = row;
  const auto softmax = kernel.softmax(row.data(), 16, 16);
  CHECK(row.back() == 0);
  kernel.softmax_again(again.data(), 16, 16, softmax.maximum, TestType(1) / softmax.sum);
  kernel.softmax_backward(again.data(), gradient.data(), 16, TestType(0.1));
  for (const auto* values : {&row, &again, &gradient})
    for (const TestType value : *values) CHECK((value == 0 || std::isnormal(value)));
}

TEMPLATE_TEST_CASE("what pads a row changes nothing, and becomes 0", "", float, double) {
  const auto nan = std::numeric_limits<TestType>::quiet_NaN();
  for (const std::int64_t valid : {1, 5, 20}) {
    const std::int64_t wide = model::padded<TestType>(32);
    auto row = normal<TestType>(wide, 8), clean = row;
    for (std::int64_t i = valid; i < wide; ++i) row[static_cast<std::size_t>(i)] = nan;
    const auto softmax = model::row_kernels<TestType>().softmax(row.data(), valid, wide);
    const auto expected = model::row_kernels<TestType>().softmax(clean.data(), valid, wide);
    CHECK(softmax.maximum == expected.maximum);
    CHECK(softmax.sum == expected.sum);
    for (std::int64_t i = valid; i < wide; ++i) CHECK(row[static_cast<std::size_t>(i)] == 0);
    CHECK(row == clean);
  }
}

TEST_CASE("a NaN or an infinity in a row is in its sum") {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    auto row = normal<float>(32, 9);
    row[11] = bad;
    CHECK(std::isnan(model::row_kernels<float>().softmax(row.data(), 20, 32).sum));
  }
}
