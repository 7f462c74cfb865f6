#include "model/gemm.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "catch.hpp"
#include "core/random.hpp"

using namespace bitdarts;
using model::Transpose;

namespace {

template <class Real>
std::vector<Real> noise(std::int64_t count, std::uint64_t number) {
  KeyedRandom random(3, Stream::initialisation, number);
  std::vector<Real> values(static_cast<std::size_t>(count));
  for (Real& value : values) value = static_cast<Real>(random.uniform() - 0.5);
  return values;
}

// The definition, in double: element by element.
template <class Real>
void check(Transpose a_is, Transpose b_is, std::int64_t m, std::int64_t n, std::int64_t k, Real alpha,
           Real beta) {
  constexpr std::int64_t padding = 3;
  const std::int64_t lda = (a_is == Transpose::no ? k : m) + padding,
                     ldb = (b_is == Transpose::no ? n : k) + padding, ldc = n + padding;
  const auto a = noise<Real>(lda * std::max(m, k), 1), b = noise<Real>(ldb * std::max(n, k), 2);
  const auto before = noise<Real>(ldc * m, 3);
  auto c = before;
  model::gemm(a_is, b_is, m, n, k, alpha, a.data(), lda, b.data(), ldb, beta, c.data(), ldc);
  const auto at = [](std::int64_t i) { return static_cast<std::size_t>(i); };
  double largest = 0;
  for (std::int64_t row = 0; row < m; ++row)
    for (std::int64_t column = 0; column < ldc; ++column) {
      const std::size_t here = at(row * ldc + column);
      if (column >= n) {
        CHECK(c[here] == before[here]);  // between the rows
        continue;
      }
      double sum = 0;
      for (std::int64_t i = 0; i < k; ++i)
        sum += double(a[at(a_is == Transpose::no ? row * lda + i : i * lda + row)]) *
               double(b[at(b_is == Transpose::no ? i * ldb + column : column * ldb + i)]);
      largest = std::max(
          largest, std::abs(double(alpha) * sum + double(beta) * double(before[here]) - double(c[here])));
    }
  // k products below 1/4, each sum rounded: k/4 k eps is more than any order of summation can lose.
  CHECK(largest <= std::numeric_limits<Real>::epsilon() * static_cast<double>(k * k) / 4 +
                       std::numeric_limits<Real>::epsilon());
}

}  // namespace

TEMPLATE_TEST_CASE("a matrix product is that of the definition, transposed or not, whatever the row lengths",
                   "", float, double) {
  for (const auto a_is : {Transpose::no, Transpose::yes})
    for (const auto b_is : {Transpose::no, Transpose::yes}) {
      check<TestType>(a_is, b_is, 4, 5, 7, 1, 0);
      check<TestType>(a_is, b_is, 1, 33, 16, TestType(-0.5), 1);
      check<TestType>(a_is, b_is, 31, 1, 1, 2, TestType(0.25));
    }
}

TEST_CASE("with beta = 0 what C held is not read") {
  const std::vector<float> a{1, 2}, b{3, 4};
  std::vector<float> c{NAN};
  model::gemm(Transpose::no, Transpose::no, 1, 1, 2, 1.0f, a.data(), 2, b.data(), 1, 0.0f, c.data(), 1);
  CHECK(c[0] == 11);
}
