#include <cmath>
#include <limits>
#include <vector>

#include "catch.hpp"
#include "comm/tree_sum.hpp"
#include "core/error.hpp"

using bitdarts::comm::tree_sum;

namespace {

template <class T>
std::vector<T> sum_of(const std::vector<std::vector<T>>& parts) {
  std::vector<std::span<const T>> spans(parts.begin(), parts.end());
  std::vector<T> sum(parts.front().size());
  tree_sum<T>(spans, sum);
  return sum;
}

}  // namespace

TEMPLATE_TEST_CASE("parts are added in the order of the perfect binary tree", "", float, double) {
  // Beside `big`, one alone is lost and two together are not: each other order gives another number.
  const TestType big = 2 / std::numeric_limits<TestType>::epsilon();
  CHECK(sum_of<TestType>({{big}, {1}, {1}, {1}})[0] == (big + TestType{1}) + TestType{2});
  CHECK(sum_of<TestType>({{1}, {1}, {big}, {1}})[0] == TestType{2} + (big + TestType{1}));
  CHECK(sum_of<TestType>({{1}, {1}, {1}, {1}, {big}, {1}, {1}, {1}})[0] ==
        TestType{4} + ((big + TestType{1}) + TestType{2}));
  CHECK((big + TestType{1}) + TestType{2} != ((big + TestType{1}) + TestType{1}) + TestType{1});
}

TEST_CASE("one part is copied to the bit, the sign of zero included") {
  CHECK(std::signbit(sum_of<float>({{-0.0f}})[0]));
  CHECK(std::signbit(sum_of<float>({{-0.0f}, {-0.0f}})[0]));
}

TEST_CASE("arrays longer than a cache block are summed to their end") {
  for (std::size_t size : {511, 512, 513, 1500}) {
    std::vector<std::vector<double>> parts(8, std::vector<double>(size));
    for (std::size_t p = 0; p < 8; ++p) {
      for (std::size_t i = 0; i < size; ++i)
        parts[p][i] = std::sin(double(p * size + i)) * std::pow(10.0, double(p));
    }
    const auto sum = sum_of(parts);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const auto at = [&](std::size_t p) { return parts[p][i]; };
      wrong += sum[i] != ((at(0) + at(1)) + (at(2) + at(3))) + ((at(4) + at(5)) + (at(6) + at(7)));
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("parts without elements sum to nothing") { CHECK(sum_of<float>({{}, {}}).empty()); }

TEST_CASE("parts that do not form a tree are refused") {
  CHECK_THROWS_AS(sum_of<float>({{1}, {2}, {3}}), bitdarts::Error);
  CHECK_THROWS_AS(sum_of<float>({{1, 2}, {3}}), bitdarts::Error);
  std::vector<float> nothing;
  CHECK_THROWS_AS(tree_sum<float>({}, nothing), bitdarts::Error);
}
