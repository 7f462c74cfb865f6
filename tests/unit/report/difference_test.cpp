#include "report/difference.hpp"

#include <cmath>
#include <random>

#include "catch.hpp"

using namespace bitdarts::report;

TEST_CASE("the paired difference and its error are those computed by hand") {
  // d = 1, 0, 2 over 2, 2 and 1 tokens: R = 3/5; rests 1 - 1.2, 0 - 1.2, 2 - 0.6.
  const Difference difference = paired_difference({{6, 4, 5}, {2, 2, 1}}, {{5, 4, 3}, {2, 2, 1}});
  CHECK(difference.mean == Approx(0.6));
  CHECK(difference.error == Approx(std::sqrt(3.0 / 2 * (0.04 + 1.44 + 1.96)) / 5));
  CHECK(difference.windows == 3);
  CHECK(difference.change() == Approx(std::exp(0.6) - 1));
}

TEST_CASE("the error is about the deviation of the mean over texts, also where windows differ in length") {
  // A second way to the number: draw the text many times, and look how the mean scatters.
  std::mt19937 random(3);
  std::normal_distribution<double> normal;
  constexpr int texts = 4000, windows = 40;
  double sum = 0, squares = 0, errors = 0;
  for (int text = 0; text < texts; ++text) {
    WindowLosses a, b;
    for (int w = 0; w < windows; ++w) {
      const double tokens = w % 3 == 0 ? 4 : 10, common = 5 * normal(random);  // the text, which both read
      a.tokens.push_back(tokens), b.tokens.push_back(tokens);
      a.nll.push_back(common + 0.1 * tokens + std::sqrt(tokens) * 0.3 * normal(random));
      b.nll.push_back(common);
    }
    const Difference difference = paired_difference(a, b);
    sum += difference.mean, squares += difference.mean * difference.mean, errors += difference.error;
  }
  const double mean = sum / texts, scatter = std::sqrt(squares / texts - mean * mean);
  CHECK(mean == Approx(0.1).margin(5e-3 * 0.1));
  CHECK(errors / texts == Approx(scatter).epsilon(0.05));
}

TEST_CASE("windows that are not the same are not paired") {
  const WindowLosses whole{{6, 4, 5}, {2, 2, 1}};
  const auto refused = [&](const WindowLosses& other) {
    const Difference difference = paired_difference(whole, other);
    return std::isnan(difference.mean) && std::isnan(difference.error) && difference.windows == 0;
  };
  CHECK(refused({}));
  CHECK(refused({{6, 4}, {2, 2}}));
  CHECK(refused({{6, 4, 5}, {2, 1, 2}}));
  CHECK(refused({{6, 4, 5}, {2, 2}}));
  CHECK(refused({{6, NAN, 5}, {2, 2, 1}}));
  CHECK(std::isnan(paired_difference({{6}, {2}}, {{5}, {2}}).mean));  // one window has no deviation
  CHECK(paired_difference(whole, whole).mean == 0);
}

TEST_CASE("a difference counts beyond two standard errors, or by its sign where the error is not known") {
  CHECK(outcome_of(-0.02, 0.0099) == Outcome::better);
  CHECK(outcome_of(0.02, 0.0099) == Outcome::worse);
  CHECK(outcome_of(-0.02, 0.01) == Outcome::level);
  CHECK(outcome_of(0.02, 0.0101) == Outcome::level);
  CHECK(outcome_of(0.001, NAN) == Outcome::worse);
  CHECK(outcome_of(-INFINITY, NAN) == Outcome::better);
  CHECK(outcome_of(NAN, NAN) == Outcome::level);
  CHECK(outcome_of(0.00005, 0) == Outcome::level);  // is printed as 0.00% or nearly
}

TEST_CASE("changes are written with their sign and their error") {
  CHECK(change_in_words(0.0672, 0.0031) == "+6.72% ± 0.31%");
  CHECK(change_in_words(-0.0005, NAN) == "-0.05%");
  CHECK(change_in_words(-0.00001, 0.0002) == "0.00% ± 0.02%");
  CHECK(change_in_words(NAN, 0.1) == "-");
}
