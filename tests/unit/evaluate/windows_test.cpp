#include "evaluate/windows.hpp"

#include "catch.hpp"
#include "core/error.hpp"

using namespace bitdarts;
using evaluate::plan_windows;
using evaluate::Window;

namespace {

// Checks one plan; failures are counted, for a CHECK per token would drown them.
int mistakes_in(std::int64_t tokens, std::int64_t context, std::int64_t stride) {
  const auto windows = plan_windows(tokens, context, stride);
  std::vector<int> scored(static_cast<std::size_t>(tokens), 0);
  int mistakes = 0;
  for (std::size_t k = 0; k < windows.size(); ++k) {
    const Window& w = windows[k];
    mistakes += w.begin != static_cast<std::int64_t>(k) * stride;
    mistakes += w.length < 1 || w.length > context || w.scored < 1 || w.scored > w.length;
    mistakes += w.length < context && k + 1 < windows.size();  // only the last may be short
    // What a later window scores, it predicts from at least so many tokens.
    mistakes += k > 0 && w.first_scored() - w.begin < context - stride + 1;
    for (std::int64_t t = w.first_scored(); t < w.end(); ++t) {
      if (t < 1 || t >= tokens) return mistakes + 1;
      ++scored[static_cast<std::size_t>(t)];
    }
  }
  mistakes += scored[0] != 0;
  for (std::size_t t = 1; t < scored.size(); ++t) mistakes += scored[t] != 1;
  return mistakes;
}

}  // namespace

TEST_CASE("windows score every token but the first exactly once") {
  for (std::int64_t tokens = 2; tokens <= 70; ++tokens) {
    for (std::int64_t context = 1; context <= 17; ++context) {
      for (std::int64_t stride = 1; stride <= context; ++stride) {
        if (mistakes_in(tokens, context, stride) == 0) continue;
        FAIL("tokens " << tokens << ", context " << context << ", stride " << stride);
      }
    }
  }
  CHECK(mistakes_in(100001, 64, 64) == 0);
  CHECK(mistakes_in(100001, 64, 31) == 0);
}

TEST_CASE("windows overlap by what the stride leaves, and the last is cut short") {
  const auto windows = plan_windows(10, 4, 2);
  const std::int64_t expected[][3] = {{0, 4, 4}, {2, 4, 2}, {4, 4, 2}, {6, 3, 1}};  // begin, length, scored
  REQUIRE(windows.size() == 4);
  for (std::size_t k = 0; k < 4; ++k) {
    CHECK(windows[k].begin == expected[k][0]);
    CHECK(windows[k].length == expected[k][1]);
    CHECK(windows[k].scored == expected[k][2]);
  }
  CHECK(plan_windows(9, 4, 4).size() == 2);  // ends with a window's last target: no third
  CHECK(plan_windows(10, 4, 4).back().length == 1);
}

TEST_CASE("a stride that leaves tokens out, or nothing to predict, is refused") {
  CHECK_THROWS_AS(plan_windows(10, 4, 5), Error);
  CHECK_THROWS_AS(plan_windows(10, 4, 0), Error);
  CHECK_THROWS_AS(plan_windows(1, 4, 4), Error);
}

TEST_CASE("the protocol says what was read and how") {
  CHECK(evaluate::describe_protocol(64, 64, 0) ==
        "test part, windows of 64 tokens, stride 64, every token but the first scored once");
  CHECK(
      evaluate::describe_protocol(64, 16, 1000) ==
      "first 1000 tokens of the test part, windows of 64 tokens, stride 16, every token but the first scored "
      "once");
}
