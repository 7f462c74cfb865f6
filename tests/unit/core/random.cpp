#include "core/random.hpp"

#include <cmath>
#include <set>
#include <stdexcept>
#include <vector>

#include "catch.hpp"

using namespace bitdarts;

TEST_CASE("the same key gives the same numbers, whoever else drew in between") {
  KeyedRandom first(1, Stream::gumbel, 2, 3), other(1, Stream::gumbel, 2, 4), second(1, Stream::gumbel, 2, 3);
  for (int i = 0; i < 100; ++i) {
    other.bits();
    CHECK(first.bits() == second.bits());
  }
}

TEST_CASE("every part of the key matters") {
  const std::set<std::uint64_t> drawn = {
      KeyedRandom(1, Stream::gumbel, 2, 3).bits(),      KeyedRandom(9, Stream::gumbel, 2, 3).bits(),
      KeyedRandom(1, Stream::inner_batch, 2, 3).bits(), KeyedRandom(1, Stream::gumbel, 9, 3).bits(),
      KeyedRandom(1, Stream::gumbel, 2, 9).bits(),      KeyedRandom(1, Stream::gumbel, 3, 2).bits()};
  CHECK(drawn.size() == 6);
}

TEST_CASE("bounded numbers stay below the bound and reach every value evenly") {
  KeyedRandom random(5, Stream::document_split);
  std::vector<int> count(7);
  for (int i = 0; i < 70000; ++i) ++count.at(random.below(7));
  // Chi-square with 6 degrees of freedom: above 22.5 with probability 0.001.
  double chi_square = 0;
  for (int c : count) chi_square += (c - 10000.0) * (c - 10000.0) / 10000.0;
  CHECK(chi_square < 22.5);
  CHECK(random.below(1) == 0);
  CHECK_THROWS_AS(random.below(0), std::invalid_argument);
}

TEST_CASE("a bound that does not divide 2^64 brings no bias") {
  // Without rejection every value below 2^62 would be twice as frequent as the others.
  KeyedRandom random(6, Stream::document_split);
  const std::uint64_t bound = 3ull << 62;
  int low = 0;
  for (int i = 0; i < 30000; ++i) low += random.below(bound) < (1ull << 62);
  CHECK(low == Approx(10000).margin(4 * std::sqrt(30000 * 2.0 / 9)));
}

TEST_CASE("uniform numbers lie inside (0, 1) with mean 1/2 and variance 1/12") {
  KeyedRandom random(7, Stream::gumbel);
  const int n = 100000;
  double sum = 0, squares = 0;
  bool inside = true;
  for (int i = 0; i < n; ++i) {
    const double u = random.uniform();
    inside = inside && u > 0 && u < 1;
    sum += u;
    squares += u * u;
  }
  CHECK(inside);
  CHECK(sum / n == Approx(0.5).margin(4 * std::sqrt(1.0 / 12 / n)));
  CHECK(squares / n - sum / n * sum / n == Approx(1.0 / 12).margin(0.001));
}

TEST_CASE("normal numbers have the moments of N(0,1)") {
  KeyedRandom random(8, Stream::initialisation);
  const int n = 100000;
  double moment[5] = {};
  for (int i = 0; i < n; ++i) {
    const double x = random.normal();
    for (int k = 1; k <= 4; ++k) moment[k] += std::pow(x, k) / n;
  }
  // Four standard errors: the variance of x^k is E x^2k - (E x^k)^2.
  CHECK(moment[1] == Approx(0).margin(4 * std::sqrt(1.0 / n)));
  CHECK(moment[2] == Approx(1).margin(4 * std::sqrt(2.0 / n)));
  CHECK(moment[3] == Approx(0).margin(4 * std::sqrt(15.0 / n)));
  CHECK(moment[4] == Approx(3).margin(4 * std::sqrt(96.0 / n)));
}
