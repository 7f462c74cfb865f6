#include <cmath>

#include "catch.hpp"
#include "report/comparison.hpp"
#include "support.hpp"

using namespace bitdarts::report;
using Role = EvaluatedModel::Role;
using Verdict = Comparison::Verdict;

namespace {

EvaluatedModel model(Role role, const std::string& name, double perplexity, double bops_ratio) {
  EvaluatedModel result;
  result.role = role;
  result.name = name;
  result.perplexity = perplexity;
  result.bops_ratio = result.size_ratio = bops_ratio;
  return result;
}
EvaluatedModel full() { return model(Role::full_precision, "full precision", 20.16, 1); }
EvaluatedModel searched(double perplexity, double cost) {
  return model(Role::searched, "searched", perplexity, cost);
}
EvaluatedModel uniform(const std::string& name, double perplexity, double cost) {
  return model(Role::uniform, "uniform:" + name, perplexity, cost);
}

std::string opponent(const Comparison& c) { return c.opponent ? c.models[*c.opponent].name : "none"; }

}  // namespace

TEST_CASE(
    "the opponent is the best uniform scheme at the nearest cost that is not below the searched one's") {
  const auto c =
      compare({full(), uniform("w8a8", 20.3, 0.0625), uniform("pact:w4a8", 21.0, 0.03125),
               searched(20.7, 0.025), uniform("lsq+:w4a8", 20.9, 0.03125), uniform("w4a4", 20.1, 0.015625)});
  CHECK(opponent(c) == "uniform:lsq+:w4a8");
  CHECK(c.verdict == Verdict::wins);
  CHECK(contains(verdict_in_words(c), "wins"));
  SECTION("and the order is: full precision, searched, opponent, the others by cost") {
    std::vector<std::string> names;
    for (const auto& m : c.models) names.push_back(m.name);
    CHECK(names == std::vector<std::string>{"full precision", "searched", "uniform:lsq+:w4a8", "uniform:w4a4",
                                            "uniform:pact:w4a8", "uniform:w8a8"});
    CHECK(c.searched == 1u);
    CHECK(c.same_or_higher_cost == std::vector<std::size_t>{2, 4, 5});
  }
  SECTION("and a cheaper scheme that is better is not hidden by the win") {
    CHECK(c.cheaper_and_better == std::vector<std::size_t>{3});
    CHECK(contains(verdict_in_words(c), "But it is beaten at the same or lower cost by uniform:w4a4"));
  }
}

TEST_CASE("a searched scheme that loses is said to lose") {
  const auto c = compare({full(), searched(21.5, 0.02), uniform("lsq+:w4a8", 20.9, 0.03125)});
  CHECK(c.verdict == Verdict::loses);
  CHECK(contains(verdict_in_words(c), "LOSES"));
  CHECK(contains(verdict_in_words(c), "uniform:lsq+:w4a8"));
  CHECK(contains(aligned(comparison_table(c)), "uniform:lsq+:w4a8  [best by hand]"));
}

TEST_CASE("the same perplexity is no win") {
  const auto c = compare({searched(20.9, 0.02), uniform("lsq+:w4a8", 20.9, 0.03125)});
  CHECK(c.verdict == Verdict::ties);
  CHECK(contains(verdict_in_words(c), "does not win"));
}

TEST_CASE("costs that differ by rounding only are the same cost") {
  const double cost = 0.03125;
  const auto below =
      compare({searched(20, cost), uniform("a", 21, cost * (1 - 1e-12)), uniform("b", 19, 2 * cost)});
  CHECK(opponent(below) == "uniform:a");
  const auto level =
      compare({searched(20, cost), uniform("a", 21, cost * (1 + 1e-12)), uniform("b", 20.5, cost)});
  CHECK(opponent(level) == "uniform:b");
  const auto cheaper = compare({searched(20, cost), uniform("a", 21, cost * (1 - 1e-6))});
  CHECK(opponent(cheaper) == "none");
}

TEST_CASE("without a uniform scheme of the same or higher cost nothing is claimed") {
  const auto c = compare({full(), searched(20.7, 0.05), uniform("w4a4", 21.7, 0.0156),
                          model(Role::other, "mine.txt", 20.0, 0.06)});
  CHECK(c.verdict == Verdict::no_opponent);
  CHECK(contains(verdict_in_words(c), "No hand-picked uniform scheme"));
  CHECK(compare({uniform("w4a4", 21.7, 0.0156)}).verdict == Verdict::nothing_searched);
  CHECK(compare(std::vector<EvaluatedModel>{}).verdict == Verdict::nothing_searched);
}

TEST_CASE("schemes that are not comparable are shown and do not count") {
  auto other = uniform("lsq+:w4a8", 19, 0.03125);
  other.incomparable = "its weights were trained on other text";
  const auto c = compare({searched(20.7, 0.02), other, uniform("pact:w4a8", 21.0, 0.03125)});
  CHECK(opponent(c) == "uniform:pact:w4a8");
  CHECK(c.verdict == Verdict::wins);
  CHECK(contains(verdict_in_words(c),
                 "uniform:lsq+:w4a8 is not compared: its weights were trained on other text"));
  CHECK(contains(aligned(comparison_table(c)), "uniform:lsq+:w4a8  [not comparable]"));
}

TEST_CASE("a perplexity that is not a number is worse than any other") {
  CHECK(compare({searched(NAN, 0.02), uniform("w4a8", 21, 0.03)}).verdict == Verdict::loses);
  CHECK(compare({searched(21, 0.02), uniform("w4a8", NAN, 0.03)}).verdict == Verdict::wins);
  const auto c = compare({searched(21, 0.02), uniform("a", NAN, 0.03), uniform("b", 22, 0.03)});
  CHECK(opponent(c) == "uniform:b");
}

TEST_CASE("when the search counted size, the comparison does") {
  auto small = searched(20.7, 0.5);
  small.size_ratio = 0.12;
  auto hand = uniform("w4a16", 20.8, 0.0625);
  hand.size_ratio = 0.125;
  const auto c = compare({small, hand}, true);
  CHECK(c.verdict == Verdict::wins);
  CHECK(contains(verdict_in_words(c), "size ratio of 12.00%"));
  CHECK(compare({small, hand}).verdict == Verdict::no_opponent);
}

TEST_CASE("the table for a terminal has a line for each model, and dashes where a number is missing") {
  auto mine = searched(20.7123, 0.02);
  mine.bits_per_byte = 1.43;
  mine.weight_bits = 4.125;
  mine.input_bits = 16;
  mine.model_bytes = 1234567;
  const std::string text = aligned(comparison_table(compare({full(), mine})));
  CHECK(text ==
        "scheme          perplexity  bits/byte  bits weights/inputs  megabytes  BOPs ratio\n"
        "full precision      20.160          -            - /     -          -     100.00%\n"
        "searched            20.712     1.4300         4.12 / 16.00      1.235       2.00%\n");
}
