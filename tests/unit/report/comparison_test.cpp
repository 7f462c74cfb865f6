#include <cmath>

#include "catch.hpp"
#include "report/comparison.hpp"
#include "report/verdict.hpp"
#include "support.hpp"

using namespace bitdarts::report;
using Role = EvaluatedModel::Role;
using Verdict = Contest::Verdict;

namespace {

EvaluatedModel model(Role role, const std::string& name, double perplexity, double cost) {
  EvaluatedModel result;
  result.role = role;
  result.name = name;
  result.perplexity = perplexity;
  result.bops_ratio = result.size_ratio = cost;
  return result;
}
EvaluatedModel full() { return model(Role::full_precision, "full precision", 20.16, 1); }
EvaluatedModel searched(double perplexity, double cost, double budget = NAN, const std::string& name = {}) {
  auto result = model(Role::searched, name.empty() ? "searched" : "searched:" + name, perplexity, cost);
  result.budget = name;
  result.budget_ratio = budget;
  return result;
}
EvaluatedModel rival(const std::string& name, double perplexity, double cost) {
  return model(Role::rival, name, perplexity, cost);
}
// Losses of windows of ten tokens: the logarithm of the perplexity, and so much more or less in turn.
EvaluatedModel with_windows(EvaluatedModel m, double swing, std::size_t windows = 8) {
  for (std::size_t w = 0; w < windows; ++w) {
    m.windows.nll.push_back(10 * (std::log(m.perplexity) + (w % 2 == 0 ? swing : -swing)));
    m.windows.tokens.push_back(10);
  }
  return m;
}

// The only contest.
const Contest& contest(const Comparison& c) {
  REQUIRE(c.contests.size() == 1);
  return c.contests.front();
}
std::string opponent(const Comparison& c) {
  const auto& best = contest(c).rival;
  return best ? c.models[*best].name : "none";
}
std::vector<std::string> names(const Comparison& c) {
  std::vector<std::string> all;
  for (const auto& m : c.models) all.push_back(m.name);
  return all;
}

}  // namespace

TEST_CASE("the opponent is the best rival of any kind that costs no more than the budget") {
  const auto c = compare({full(), rival("uniform:lsq+:w8a8", 20.3, 0.0625), rival("random:1", 22, 0.031),
                          searched(20.7, 0.0300, 0.03125), rival("sensitivity", 20.9, 0.03125),
                          rival("mine.txt", 20.95, 0.015), rival("uniform:lsq+:w4a8", 21, 0.03125)});
  CHECK(opponent(c) == "sensitivity");
  CHECK(contest(c).verdict == Verdict::wins);
  CHECK(contest(c).rivals.size() == 4);
  CHECK(contains(verdict_in_words(c), "wins"));
  CHECK(contains(verdict_in_words(c), "the best of 4 rivals within its budget of 3.125%"));
  SECTION("and the order is: full precision, searched, opponent, the others by cost") {
    CHECK(names(c) == std::vector<std::string>{"full precision", "searched", "sensitivity", "mine.txt",
                                               "random:1", "uniform:lsq+:w4a8", "uniform:lsq+:w8a8"});
    CHECK(c.searched == 1u);
  }
  SECTION("and a cheaper one counts as well") {
    CHECK(opponent(compare({searched(20.7, 0.03, 0.03125), rival("mine.txt", 20.1, 0.001),
                            rival("sensitivity", 20.9, 0.03125)})) == "mine.txt");
  }
}

TEST_CASE("a scheme that costs more than the budget is a row and no opponent") {
  const auto c = compare({searched(20.7, 0.02, 0.03), rival("uniform:lsq+:w8a8", 19.0, 0.0301)});
  CHECK(contest(c).verdict == Verdict::no_rival);
  CHECK(c.models.size() == 2);
  CHECK(contains(verdict_in_words(c), "No rival within its budget of 3.000% was evaluated"));
  CHECK(against_searched(c, 1) == "-8.21%");
}

TEST_CASE("without a budget, or with a scheme above it, the scheme's own cost is the limit") {
  CHECK(opponent(compare({searched(20, 0.02), rival("a", 21, 0.02), rival("b", 19, 0.021)})) == "a");
  const auto above = compare({searched(20, 0.02, 0.01), rival("a", 21, 0.02), rival("b", 19, 0.021)});
  CHECK(opponent(above) == "a");
  CHECK(contains(verdict_in_words(above), "the one rival at its cost or below"));
}

TEST_CASE("costs that differ by rounding only are the same cost") {
  const double cost = 0.03125;
  CHECK(opponent(compare({searched(20, cost), rival("a", 21, cost * (1 + 1e-12))})) == "a");
  CHECK(opponent(compare({searched(20, cost), rival("a", 21, cost * (1 + 1e-6))})) == "none");
}

TEST_CASE("a searched scheme that loses is said to lose, with its uncertainty") {
  const auto c = compare({full(), with_windows(searched(21.5, 0.02, 0.03), 0.004),
                          with_windows(rival("sensitivity", 20.9, 0.025), 0)});
  CHECK(contest(c).verdict == Verdict::loses);
  // Windows of equal size: the deviation of eight values ±0.004 over the root of eight.
  const double error = 0.004 * std::sqrt(8.0 / 7 / 8);
  CHECK(contest(c).difference.mean == Approx(std::log(21.5 / 20.9)));
  CHECK(contest(c).difference.error == Approx(error));
  CHECK(contest(c).difference.change_error() == Approx(21.5 / 20.9 * error));
  CHECK(contains(verdict_in_words(c),
                 "LOSES: perplexity 21.500, BOPs ratio 2.000%, 2.87% ± 0.16% higher "
                 "than sensitivity (perplexity 20.900, BOPs ratio 2.500%)"));
  CHECK(contains(verdict_in_words(c), "over 8 windows of the test part"));
  CHECK(contains(aligned(comparison_table(c)), "sensitivity  [best rival]"));
  CHECK(against_searched(c, 2) == "-2.79% ± 0.15%");
}

TEST_CASE("within two standard errors there is no difference, whoever is ahead") {
  for (const double perplexity : {20.87, 20.93}) {
    const auto c =
        compare({with_windows(searched(perplexity, 0.02), 0.004), with_windows(rival("a", 20.9, 0.02), 0)});
    CHECK(contest(c).verdict == Verdict::no_difference);
    CHECK(contains(verdict_in_words(c), "No difference"));
    CHECK(contains(verdict_in_words(c), "within two standard errors"));
    CHECK(!contains(verdict_in_words(c), "LOSES"));
    CHECK(!contains(verdict_in_words(c), "wins"));
  }
}

TEST_CASE("where windows cannot be paired, the verdict says that its uncertainty is not known") {
  const auto c =
      compare({with_windows(searched(21.5, 0.02), 0.004, 8), with_windows(rival("a", 20.9, 0.02), 0, 9)});
  CHECK(contest(c).verdict == Verdict::loses);
  CHECK(contains(verdict_in_words(c), "2.87% higher than a"));
  CHECK(contains(verdict_in_words(c), "How much of that is chance is not known"));
  CHECK(!contains(verdict_in_words(c), "±"));
}

TEST_CASE("nobody wins or loses by 0.00%") {
  for (double change = -2e-4; change <= 2e-4; change += 1e-6) {
    const auto c = compare({searched(20.9 * (1 + change), 0.02), rival("a", 20.9, 0.02)});
    const std::string words = verdict_in_words(c);
    CHECK(!contains(words, "0.00% lower"));
    CHECK(!contains(words, "0.00% higher"));
    CHECK((contest(c).verdict == Verdict::no_difference) == contains(words, "No difference"));
    if (std::abs(change) > 6e-5) CHECK(contest(c).verdict == (change < 0 ? Verdict::wins : Verdict::loses));
  }
  CHECK(contest(compare({searched(20.9, 0.02), rival("a", 20.9, 0.02)})).verdict == Verdict::no_difference);
}

TEST_CASE("without a searched scheme nothing is claimed") {
  CHECK(compare({rival("uniform:lsq+:w4a4", 21.7, 0.0156)}).contests.empty());
  CHECK(contains(verdict_in_words(compare({full(), rival("a", 21.7, 0.0156)})), "No searched scheme"));
  CHECK(compare(std::vector<EvaluatedModel>{}).contests.empty());
}

TEST_CASE("schemes that are not comparable are shown and do not count") {
  auto other = rival("uniform:lsq+:w4a8", 19, 0.02);
  other.incomparable = "its weights were trained on other text";
  const auto c = compare({searched(20.7, 0.02), other, rival("uniform:pact:w4a8", 21.0, 0.02)});
  CHECK(opponent(c) == "uniform:pact:w4a8");
  CHECK(contest(c).verdict == Verdict::wins);
  CHECK(contains(verdict_in_words(c),
                 "uniform:lsq+:w4a8 is not compared: its weights were trained on other text"));
  CHECK(contains(aligned(comparison_table(c)), "uniform:lsq+:w4a8  [not comparable]"));
  CHECK(against_searched(c, 2) == "-");
}

TEST_CASE("a perplexity that is not a number is worse than any other") {
  CHECK(contest(compare({searched(NAN, 0.02), rival("a", 21, 0.02)})).verdict == Verdict::loses);
  CHECK(contest(compare({searched(21, 0.02), rival("a", NAN, 0.02)})).verdict == Verdict::wins);
  CHECK(opponent(compare({searched(21, 0.02), rival("a", NAN, 0.02), rival("b", 22, 0.02)})) == "b");
}

TEST_CASE("when the search counted size, the comparison does") {
  auto small = searched(20.7, 0.5);
  small.size_ratio = 0.12;
  auto hand = rival("uniform:lsq+:w4a16", 20.8, 0.0625);
  hand.size_ratio = 0.125;
  const auto c = compare({small, hand}, true);
  CHECK(contest(c).verdict == Verdict::no_rival);
  CHECK(contains(verdict_in_words(c), "size ratio 12.000%"));
  CHECK(opponent(compare({small, hand})) == "uniform:lsq+:w4a16");
}

TEST_CASE("each budget has its verdict, against the rivals within it") {
  const auto c = compare({full(), searched(19.5, 0.0088, 0.0088, "w3a3"),
                          searched(21, 0.0078, 0.0078, "w2a4"), rival("sensitivity", 19.2, 0.0088),
                          rival("sensitivity:w2a4", 23, 0.0078), rival("uniform:lsq+:w2a4", 22, 0.0078)});
  REQUIRE(c.contests.size() == 2);
  CHECK(c.models[*c.searched].budget == "w3a3");  // the first, though not the cheapest
  const auto &narrow = c.contests[0], &wide = c.contests[1];
  CHECK(c.models[*narrow.rival].name == "uniform:lsq+:w2a4");
  CHECK(narrow.verdict == Verdict::wins);
  CHECK(c.models[*wide.rival].name == "sensitivity");
  CHECK(wide.verdict == Verdict::loses);
  CHECK(wide.rivals.size() == 3);
  const std::string words = verdict_in_words(c), table = aligned(comparison_table(c));
  CHECK(contains(words, "At w2a4 the searched scheme wins"));
  CHECK(contains(words, "At w3a3 the searched scheme LOSES"));
  CHECK(contains(table, "uniform:lsq+:w2a4  [best rival at w2a4]"));
  CHECK(names(c) == std::vector<std::string>{"full precision", "searched:w2a4", "uniform:lsq+:w2a4",
                                             "searched:w3a3", "sensitivity", "sensitivity:w2a4"});
  // Every row beside the searched scheme of the budget that it fits.
  CHECK(against_searched(c, 2) == signed_percent(22 / 21.0 - 1));
  CHECK(against_searched(c, 4) == signed_percent(19.2 / 19.5 - 1));
  CHECK(against_searched(c, 1).empty());
  CHECK(against_searched(c, 0) == signed_percent(20.16 / 19.5 - 1));
}

TEST_CASE("what was chosen is shown as that, and is no rival") {
  auto best = model(Role::chosen, "best", 20.5, 0.02);
  best.chosen = "sensitivity";
  const auto c = compare({searched(20.7, 0.02), best, rival("sensitivity", 20.9, 0.02)});
  CHECK(opponent(c) == "sensitivity");
  CHECK(contains(aligned(comparison_table(c)), "best (sensitivity)  "));
  CHECK(names(c) == std::vector<std::string>{"best", "searched", "sensitivity"});
  CHECK(compare({best, rival("sensitivity", 20.9, 0.02)}).contests.empty());
}

TEST_CASE("the table for a terminal has a line for each model, and dashes where a number is missing") {
  auto mine = searched(20.7123, 0.02);
  mine.bits_per_byte = 1.43;
  mine.weight_bits = 4.125;
  mine.input_bits = 16;
  mine.model_bytes = 1234567;
  mine.bops_ratio_all = 0.1875;
  const std::string text = aligned(comparison_table(compare({full(), mine})));
  CHECK(text ==
        "scheme          perplexity  against searched  bits/byte  bits weights/inputs  megabytes  BOPs ratio "
        " with head\n"
        "full precision      20.160            -2.67%          -            - /     -          -    100.000% "
        "         -\n"
        "searched            20.712                       1.4300         4.12 / 16.00      1.235      2.000% "
        "    18.75%\n");
}
