#include "sweep/results.hpp"

#include <random>

#include "catch.hpp"
#include "report/html.hpp"
#include "support.hpp"
#include "sweep/choices.hpp"
#include "sweep/page.hpp"
#include "sweep/sweep_report.hpp"

using namespace bitdarts;
using namespace sweep_test;
using Catch::Matchers::Contains;

namespace {

// Results with this perplexity and cost for each task, as load_results gives them.
sweep::Results results_of(const std::vector<sweep::Task>& tasks, const std::vector<double>& perplexities,
                          const std::vector<double>& costs) {
  sweep::Results results{.name = "a <sweep>",
                         .keys = sweep::swept_keys(tasks),
                         .tasks = {},
                         .groups = {},
                         .full_precision = {},
                         .problems = {}};
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    sweep::TaskResult result{
        .task = tasks[i], .model = {}, .full_precision = {}, .pretrained = {}, .scheme = {}, .missing = {}};
    if (std::isfinite(perplexities[i])) {
      report::EvaluatedModel model;
      model.name = tasks[i].config.finetune.scheme;
      model.role = model.name == "searched" ? report::EvaluatedModel::Role::searched
                                            : report::EvaluatedModel::Role::rival;
      model.perplexity = perplexities[i];
      model.bops_ratio = costs[i];
      const std::string budget = sweep::value_of(tasks[i], "search.budget");
      if (budget == "w4a8") model.budget_ratio = 32.0 / 1024;
      if (budget == "w8a8") model.budget_ratio = 64.0 / 1024;
      result.model = model;
      report::EvaluatedModel full;
      full.role = report::EvaluatedModel::Role::full_precision;
      full.perplexity = 20.0 + static_cast<double>(tasks[i].config.run.seed);
      result.full_precision = full;
      result.pretrained = "of seed " + std::to_string(tasks[i].config.run.seed);
      result.scheme.entries = {
          {"model.layers.0.self_attn.q_proj", quant::parse_candidate("lsq+:4"),
           quant::parse_candidate("pact:8")},
          {"model.layers.1.self_attn.q_proj", quant::parse_candidate("pact:4"),
           quant::parse_candidate("pact:8")},
          {"model.layers.0.mlp.down_proj", quant::parse_candidate("lsq+:4"), quant::parse_candidate("fp32")}};
    } else {
      result.missing = "search failed with exit code 3: no <room>";
    }
    results.tasks.push_back(std::move(result));
  }
  sweep::aggregate(results);
  return results;
}

sweep::Results example() {
  config::Config base;
  base.report.baselines = {"uniform:lsq+:w4a8"};
  const auto tasks = tasks_of("search.budget = w8a8 | w4a8\nrun.seed = 1..3\n", base);
  //                       w8a8              w4a8                by hand
  return results_of(tasks, {21, 22, 23, 22.5, 23.5, NAN, 22, 23, 24},
                    {0.06, 0.06, 0.06, 0.03, 0.0301, NAN, 0.03125, 0.03125, 0.03125});
}

bool dominates(const sweep::CostPoint& a, const sweep::CostPoint& b) {
  const double low = b.cost * (1 - report::same_cost), high = b.cost * (1 + report::same_cost);
  if (!(a.cost <= high && a.value <= b.value)) return false;
  return a.cost < low || a.value < b.value;
}

}  // namespace

TEST_CASE("mean and standard deviation are those of the formula") {
  const std::vector<double> values{21.402, 21.371, 21.455, 21.39};
  const auto spread = sweep::spread_of(values);
  const double mean = (21.402 + 21.371 + 21.455 + 21.39) / 4;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  CHECK(spread.count == 4);
  CHECK(spread.mean == Approx(mean).epsilon(1e-14));
  CHECK(spread.deviation == Approx(std::sqrt(squares / 3)).epsilon(1e-12));
  CHECK(sweep::spread_of(std::vector<double>{2, 4, 4, 4, 5, 5, 7, 9}).deviation ==
        Approx(std::sqrt(32.0 / 7)).epsilon(1e-14));
  CHECK(sweep::in_words(sweep::spread_of(std::vector<double>{1, 2, NAN}), 2) == "1.50 ± 0.71");
  CHECK(sweep::in_words(sweep::spread_of(std::vector<double>{3}), 1) == "3.0");
  CHECK(sweep::in_words(sweep::spread_of(std::vector<double>{}), 1) == "-");
}

TEST_CASE("the Pareto front is that of brute force") {
  std::mt19937 random(7);
  for (int trial = 0; trial < 300; ++trial) {
    std::vector<sweep::CostPoint> points;
    const auto few = [&] { return static_cast<double>(random() % 5); };  // many ties
    for (unsigned i = 0; i < 1 + random() % 12; ++i) points.push_back({few() * (1 + few() * 1e-10), few()});
    if (trial % 5 == 0) points.push_back({NAN, 0});
    if (trial % 7 == 0) points.push_back({0, NAN});
    std::vector<std::size_t> expected;
    for (std::size_t i = 0; i < points.size(); ++i) {
      bool beaten = !std::isfinite(points[i].cost + points[i].value);
      for (const auto& other : points) beaten = beaten || dominates(other, points[i]);
      if (!beaten) expected.push_back(i);
    }
    auto front = sweep::pareto_front(points);
    for (std::size_t k = 1; k < front.size(); ++k)
      CHECK(points[front[k - 1]].cost <= points[front[k]].cost * (1 + report::same_cost));
    std::sort(front.begin(), front.end());
    CHECK(front == expected);
  }
}

TEST_CASE("costs that differ by rounding alone are one cost on the front") {
  const double rounded = 0.1 * (1 + 1e-12), dearer = 0.1 * (1 + 1e-6);
  CHECK(sweep::pareto_front(std::vector<sweep::CostPoint>{{0.1, 22}, {rounded, 21}}) ==
        std::vector<std::size_t>{1});
  CHECK(sweep::pareto_front(std::vector<sweep::CostPoint>{{0.1, 21}, {rounded, 21}}).size() == 2);
  CHECK(sweep::pareto_front(std::vector<sweep::CostPoint>{{0.1, 22}, {dearer, 21}}).size() == 2);
  CHECK(sweep::pareto_front(std::vector<sweep::CostPoint>{{0.1, 21}, {dearer, 21}}).size() == 1);
}

TEST_CASE("without a seed in common nothing is compared, and nobody wins or loses") {
  config::Config base;
  base.report.baselines = {"uniform:lsq+:w4a8"};
  const auto tasks = tasks_of("search.budget = w4a8\nrun.seed = 1 | 2\n", base);
  const auto results = results_of(tasks, {22, NAN, NAN, 23}, {0.03, 0.03, 0.03125, 0.03125});
  for (const auto& group : results.groups) {
    CHECK(group.tasks.size() == 1);
    CHECK(group.rival.empty());
    CHECK(sweep::verdict_of(group).empty());
  }
  CHECK_THAT(summary_in_words(results), !Contains("LOSE") && !Contains("Against"));
  CHECK_THAT(sweep_page(results), !Contains("LOSE"));
}

TEST_CASE("a line with runs missing is on no front, though none has more") {
  const auto tasks = tasks_of("search.budget = w4a8 | w8a8\nrun.seed = 1 | 2 | 3\n");
  const auto some = results_of(tasks, {23, 23, NAN, 22, NAN, 22}, {0.03, 0.03, 0.03, 0.06, 0.06, 0.06});
  for (const auto& group : some.groups) CHECK_FALSE(group.on_front);
  const auto one = results_of(tasks, {23, 23, NAN, 22, 22, 22}, {0.03, 0.03, 0.03, 0.06, 0.06, 0.06});
  CHECK_FALSE(one.groups[0].on_front);
  CHECK(one.groups[1].on_front);
}

TEST_CASE("settings are means over seeds, and each seed is compared with itself") {
  const auto results = example();
  REQUIRE(results.groups.size() == 3);  // by rising cost
  const auto &narrow = results.groups[0], &hand = results.groups[1], &wide = results.groups[2];
  CHECK(label_of(narrow) == "w4a8");
  CHECK(narrow.tasks.size() == 2);
  CHECK(narrow.all == 3);
  CHECK(narrow.perplexity.mean == Approx(23));
  CHECK(narrow.cost.mean == Approx(0.03005));
  CHECK(hand.baseline);
  CHECK(wide.perplexity.mean == Approx(22));
  CHECK(wide.perplexity.deviation == Approx(1));
  // Seeds 1 and 2 of both: 22.5/22 and 23.5/23, although the means are 23 and 23.
  CHECK(narrow.rival == "uniform:lsq+:w4a8");
  CHECK(narrow.change.count == 2);
  CHECK(narrow.change.mean == Approx((0.5 / 22 + 0.5 / 23) / 2));
  CHECK(sweep::verdict_of(narrow).starts_with("LOSES +2.22%"));
  CHECK(narrow.change_error == Approx(narrow.change.deviation / std::sqrt(2)));
  CHECK(wide.rival == "uniform:lsq+:w4a8");  // within its budget, and the only one
  CHECK(sweep::verdict_of(wide).starts_with("wins -4.35% ± "));
  // Two seeds of three do not stand level with three.
  CHECK_FALSE(narrow.on_front);
  CHECK(hand.on_front);
  CHECK(wide.on_front);
  REQUIRE(results.full_precision.size() == 1);
  CHECK(results.full_precision[0].perplexity.count == 3);  // three models, though eight evaluations
  CHECK(results.full_precision[0].perplexity.mean == Approx(22));
}

TEST_CASE("full precision stands once for each model that is swept over") {
  const auto tasks = tasks_of("model.dim = 128 | 256\nsearch.budget = w4a8 | w8a8\n");
  auto results = results_of(tasks, {1, 2, 3, 4}, {0.1, 0.2, 0.1, 0.2});
  REQUIRE(results.full_precision.size() == 2);
  CHECK(results.full_precision[1].settings == "model.dim = 256");
}

TEST_CASE("what is missing or failed, and who loses, is said plainly on the page and the terminal") {
  const auto results = example();
  const std::string page = sweep_page(results), words = summary_in_words(results);
  CHECK_THAT(words,
             Contains("8 of 9 tasks have a result") && Contains("1 win, 0 make no difference and 1 LOSE"));
  CHECK_THAT(page, Contains("1 of 9 tasks have no result") && Contains("no &lt;room&gt;") &&
                       Contains("2 of 3") && Contains("LOSES +2.22%") && Contains("22.000 ± 1.000") &&
                       Contains("a &lt;sweep&gt;") && Contains("full precision") && Contains("<svg"));
  CHECK_THAT(page, !Contains("href=\"http") && !Contains("url(http") && !Contains(" src="));
  CHECK_THAT(settings_table(results), Contains("w8a8") && Contains("2/3") && Contains("22.000 ± 1.000"));
  const auto files = sweep_csv_files(results);
  CHECK_THAT(
      files.at("tasks.csv"),
      Contains("id,name,kind,search.budget,finetune.scheme,run.seed,perplexity") && Contains("no <room>"));
  CHECK(std::count(files.at("tasks.csv").begin(), files.at("tasks.csv").end(), '\n') == 1 + 9);
  CHECK_THAT(files.at("tasks.csv"),
             Contains("setting_on_front,weights_q,weights_down,inputs_q,inputs_down,"));
  CHECK(files.size() == 2);
  CHECK_THAT(files.at("settings.csv"), Contains("w8a8,,sweep,3,3,1,22,1,0.06,0,"));
}

namespace {

// One run each: what is swept, and what came out. Those called "searched" are of the search, with this
// budget.
struct Run {
  std::string name, seed, budget;
  double perplexity, cost, budget_ratio = NAN;
  std::string candidates = "all";
  double swing = 0;  ///< over windows
};
sweep::Results results_of(const std::vector<Run>& runs, const std::string& own = "darts") {
  sweep::Results results{.name = "runs",
                         .keys = {"search.strategy", "search.budget", "candidates", "run.seed"},
                         .tasks = {},
                         .groups = {},
                         .full_precision = {},
                         .problems = {}};
  for (const Run& run : runs) {
    report::EvaluatedModel model;
    model.name = "searched";
    model.role = report::EvaluatedModel::Role::searched;
    model.strategy = run.name == "searched" ? "darts" : run.name;
    model.budget = run.budget;
    model.perplexity = run.perplexity;
    model.bops_ratio = run.cost;
    model.budget_ratio = run.budget_ratio;
    for (int w = 0; w < 4; ++w) {
      model.windows.nll.push_back(10 * std::log(run.perplexity) + (w % 2 == 0 ? run.swing : -run.swing));
      model.windows.tokens.push_back(10);
    }
    sweep::take_role(model, own);
    sweep::TaskResult result{
        .task = {}, .model = model, .full_precision = {}, .pretrained = {}, .scheme = {}, .missing = {}};
    result.task.settings = {{"search.strategy", run.name},
                            {"search.budget", run.budget},
                            {"candidates", run.candidates},
                            {"run.seed", run.seed}};
    results.tasks.push_back(std::move(result));
  }
  sweep::aggregate(results);
  return results;
}
const sweep::Group& searched_in(const sweep::Results& results) {
  const auto found = std::find_if(results.groups.begin(), results.groups.end(),
                                  [](const auto& group) { return group.is_searched(); });
  REQUIRE(found != results.groups.end());
  return *found;
}

}  // namespace

TEST_CASE("in a sweep, what another strategy than darts found is a rival by the name of its strategy") {
  report::EvaluatedModel model;
  model.name = "searched";
  model.role = report::EvaluatedModel::Role::searched;
  auto other = model;
  sweep::take_role(model, "darts");  // of the time before strategies
  CHECK(model.role == report::EvaluatedModel::Role::searched);
  other.strategy = "random:2";
  other.budget = "w3a3";
  sweep::take_role(other, "darts");
  CHECK(other.role == report::EvaluatedModel::Role::rival);
  CHECK(other.name == "random:2:w3a3");
}

TEST_CASE("the search of a sweep is darts where it has it, else the strategy of its configuration") {
  const auto own = [](const std::string& strategy, const std::vector<std::string>& axis) {
    config::Config base;
    base.search.strategy = strategy;
    std::vector<sweep::Task> tasks;
    for (const std::string& value : axis) {
      sweep::Task task;
      task.config = base;
      task.config.search.strategy = value;
      tasks.push_back(task);
    }
    sweep::Task baseline;
    baseline.baseline = true;
    tasks.push_back(baseline);
    return sweep::own_strategy(tasks, base);
  };
  CHECK(own("darts", {"darts"}) == "darts");
  CHECK(own("sensitivity", {"sensitivity"}) == "sensitivity");  // though a baseline is by darts
  CHECK(own("sensitivity", {"sensitivity", "darts"}) == "darts");
  CHECK(own("random", {"random:1"}) == "random:1");
}

TEST_CASE("a sweep of another strategy than darts has its verdicts too") {
  const auto results = results_of({Run{"sensitivity", "1", "w3a3", 20, 0.0087, 0.0088},
                                   {"uniform", "1", "w3a3", 20.4, 0.0088},
                                   {"searched", "1", "w3a3", 20.2, 0.0088}},
                                  "sensitivity");
  const auto& group = searched_in(results);
  CHECK(group.mean.strategy == "sensitivity");
  CHECK(group.rival == "darts:w3a3");
  CHECK_THAT(sweep::verdict_of(group), Contains("wins -0.99%"));
}

TEST_CASE(
    "the rival is the best of any kind within the budget, with a seed in common and else the same settings") {
  const std::vector<Run> runs{
      {"searched", "1", "w3a3", 20, 0.0087, 0.0088},
      {"searched", "2", "w3a3", 20.2, 0.0087, 0.0088},
      {"sensitivity", "1", "w3a3", 20.6, 0.0088},
      {"sensitivity", "2", "w3a3", 20.6, 0.0088},
      {"random:1", "1", "w2a4", 20.3, 0.0078},  // cheaper, of another budget, and better
      {"random:1", "2", "w2a4", 20.7, 0.0078},
      {"fisher", "1", "w3a4", 19, 0.0117},  // costs more
      {"fisher", "3", "w3a3", 19, 0.0088},  // no seed in common
      {"uniform", "1", "w3a3", 19, 0.0088, NAN, "lsq-only"}};
  const auto results = results_of(runs);
  const auto& group = searched_in(results);
  CHECK(group.rival == "random:1:w2a4");
  CHECK(group.rival_perplexity == Approx(20.5));
  const double first = 20 / 20.3 - 1, second = 20.2 / 20.7 - 1, mean = (first + second) / 2;
  CHECK(group.change.mean == Approx(mean));
  CHECK(group.change_error == Approx(std::abs(first - second) / 2));  // sd / sqrt(2) of two numbers
  CHECK(group.outcome() == report::Outcome::better);
  CHECK(sweep::verdict_of(group) == "wins -1.95% ± 0.66%");
  CHECK_THAT(sweep_page(results), Contains("random:1:w2a4 (20.500)"));
}

TEST_CASE("over seeds there is no difference within two standard errors of the mean") {
  const auto close = results_of({Run{"searched", "1", "w3a3", 20, 0.0088},
                                 {"searched", "2", "w3a3", 20.3, 0.0088},
                                 {"uniform", "1", "w3a3", 20.3, 0.0088},
                                 {"uniform", "2", "w3a3", 20.2, 0.0088}});
  CHECK(searched_in(close).outcome() == report::Outcome::level);
  CHECK_THAT(sweep::verdict_of(searched_in(close)), Contains("no difference -0.49% ± 1.40%"));
  CHECK_THAT(summary_in_words(close), Contains("0 win, 1 make no difference and 0 LOSE"));
  CHECK_THAT(sweep_csv_files(close).at("settings.csv"), Contains("no difference"));
}

TEST_CASE("of one seed the windows tell what is chance") {
  const auto results = [](double swing) {
    return results_of({Run{"searched", "1", "w3a3", 20.1, 0.0088, NAN, "all", swing},
                       {"uniform", "1", "w3a3", 20, 0.0088}});
  };
  // Four windows of ten tokens: the error is swing / 10 · sqrt(4 / 3) / sqrt(4).
  const auto sure = results(0.02), chance = results(0.1);
  CHECK(searched_in(sure).change_error == Approx(1.005 * 0.002 / std::sqrt(3)));
  CHECK_THAT(sweep::verdict_of(searched_in(sure)), Contains("LOSES +0.50% ± 0.12%"));
  CHECK_THAT(sweep::verdict_of(searched_in(chance)), Contains("no difference +0.50% ± 0.58%"));
}

TEST_CASE("choices are counted by kind of layer") {
  const auto results = example();
  const auto choices = sweep::choices_of({&results.tasks[0].scheme, &results.tasks[1].scheme});
  CHECK(choices.kinds == std::vector<std::string>{"q", "down"});
  CHECK(choices.weights.at("q").at("lsq+:4") == 2);
  CHECK(choices.weights.at("q").at("pact:4") == 2);
  CHECK(choices.inputs.at("q").at("pact:8") == 4);
  CHECK(choices.layers("q") == 4);
  CHECK(choices.layers("down") == 2);
  CHECK(sweep::kind_of("lm_head") == "lm_head");
  CHECK_THAT(sweep_page(results), Contains("in all 5 searched schemes"));
}
