#include "sweep/tasks.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "catch.hpp"
#include "config/option.hpp"
#include "config/options_table.hpp"
#include "support.hpp"
#include "sweep/recipe.hpp"

using namespace bitdarts;
using namespace sweep_test;
using Catch::Matchers::Contains;

namespace {

std::map<std::string, std::string> ids_by_overrides(const std::vector<sweep::Task>& tasks) {
  std::map<std::string, std::string> ids;
  for (const auto& task : tasks) {
    std::set<std::string> sorted(task.overrides.begin(), task.overrides.end());
    std::string words;
    for (const auto& word : sorted) words += word + " ";
    ids[words] = task.id;
  }
  return ids;
}

}  // namespace

TEST_CASE("the tasks are all combinations, the last axis fastest, each with its configuration") {
  const auto tasks = tasks_of("search.budget = w4a8 | w8a8\nrun.seed = 1..3\n");
  REQUIRE(tasks.size() == 6);
  CHECK(tasks[1].overrides == std::vector<std::string>{"--search.budget=w4a8", "--run.seed=2"});
  CHECK(tasks[1].config.search.budget == std::vector<std::string>{"w4a8"});
  CHECK(tasks[1].config.run.seed == 2);
  CHECK(tasks[3].config.search.budget == std::vector<std::string>{"w8a8"});
  CHECK(tasks[3].config.run.seed == 1);
  CHECK(tasks[1].id.starts_with("w4a8-seed2-"));
  CHECK(sweep::swept_keys(tasks) == std::vector<std::string>{"search.budget", "run.seed"});
}

TEST_CASE(
    "an id is a function of the task's values: neither other values nor the order of the lines rename it") {
  const auto small = ids_by_overrides(tasks_of("search.budget = w4a8 | w8a8\nrun.seed = 1..2\n"));
  const auto grown = ids_by_overrides(tasks_of("run.seed = 0..4\nsearch.budget = w4a4 | w8a8 | w4a8\n"));
  CHECK(small.size() == 4);
  CHECK(grown.size() == 15);
  for (const auto& [words, id] : small) CHECK(grown.at(words) == id);
  std::set<std::string> ids;
  for (const auto& [words, id] : grown) ids.insert(id);
  CHECK(ids.size() == 15);
  config::Config other;  // what is not swept is no part of the id
  other.search.steps = 99;
  CHECK(ids_by_overrides(tasks_of("search.budget = w4a8 | w8a8\nrun.seed = 1..2\n", other)) == small);
}

TEST_CASE("an explicit list can be crossed with an axis") {
  const auto tasks =
      tasks_of("task.a = search.budget=w4a8\ntask.b = search.order=second\nrun.seed = 1 | 2\n");
  REQUIRE(tasks.size() == 4);
  CHECK(tasks[0].name == "a");
  CHECK(tasks[3].name == "b");
  CHECK(tasks[3].config.search.order == "second");
  CHECK(tasks[3].config.search.budget.empty());
  CHECK(sweep::value_of(tasks[3], "search.budget").empty());
}

TEST_CASE("a candidate set becomes the options of weights and activations") {
  config::Config base;
  base.search.weight_candidates = {"lsq+:2", "lsq+:4", "pact:4"};
  base.search.activation_candidates = {"lsq+:8", "pact:4"};
  const auto tasks = tasks_of("candidates = all | lsq-only | pact:4 | no-2\n", base);
  REQUIRE(tasks.size() == 4);
  CHECK(tasks[1].config.search.weight_candidates == std::vector<std::string>{"lsq+:2", "lsq+:4"});
  CHECK(tasks[1].config.search.activation_candidates == std::vector<std::string>{"lsq+:8"});
  CHECK(tasks[2].config.search.weight_candidates == std::vector<std::string>{"pact:4"});
  CHECK(tasks[3].config.search.activation_candidates == base.search.activation_candidates);
  CHECK(tasks[1].id.starts_with("lsq-only-"));
  CHECK_THAT(complaint_of([&] { tasks_of("candidates = no-16\n", base); }),
             Contains("no candidate has 16 bits"));
  CHECK_THAT(complaint_of([&] { tasks_of("candidates = 2\n", base); }),
             Contains("nothing from search.activation_candidates"));
}

TEST_CASE("a combination that is impossible, or there twice, is refused before anything runs") {
  CHECK_THAT(complaint_of([] { tasks_of("search.budget = w8a8 | w4a4\ncandidates = all | lsq+:8\n"); }),
             Contains("search.budget = w4a4, candidates = lsq+:8") && Contains("cheapest candidates"));
  CHECK_THAT(complaint_of([] { tasks_of("run.shards = 8 | 64\n"); }), Contains("run.shards = 64"));
  CHECK_THAT(complaint_of([] { tasks_of("candidates = no-16 no-8 | no-8 no-16\n"); }),
             Contains("come to the same"));
  CHECK_THAT(complaint_of([] { tasks_of(""); }), Contains("no [sweep] section"));
}

TEST_CASE("schemes chosen by hand are tasks too, once for each combination that bears on them") {
  config::Config base;
  base.report.baselines = {"uniform:lsq+:w4a8", "uniform:pact:w8a8"};
  const auto tasks = tasks_of("search.budget = w4a8 | w8a8\nrun.seed = 1 | 2\n", base);
  REQUIRE(tasks.size() == 8);  // 4 of the grid, 2 schemes with 2 seeds
  CHECK(std::count_if(tasks.begin(), tasks.end(), [](const auto& task) { return task.baseline; }) == 4);
  CHECK(tasks[4].overrides ==
        std::vector<std::string>{"--run.seed=1", "--finetune.scheme=uniform:lsq+:w4a8"});
  CHECK(tasks[4].config.finetune.scheme == "uniform:lsq+:w4a8");
  CHECK(tasks[4].config.search.budget.empty());
  // As values of finetune.scheme they are the same tasks.
  const auto swept = tasks_of(
      "finetune.scheme = searched | uniform:lsq+:w4a8\nsearch.budget = w4a8 | w8a8\nrun.seed = 1 | 2\n");
  REQUIRE(swept.size() == 6);
  CHECK(std::any_of(swept.begin(), swept.end(), [&](const auto& task) { return task.id == tasks[4].id; }));
}

TEST_CASE("a list of budgets is one value of an axis") {
  const auto tasks = tasks_of("search.budget = w8a8 | w4a8 5%\nsearch.strategy = darts | random:2\n");
  REQUIRE(tasks.size() == 4);
  CHECK(tasks[3].config.search.budget == std::vector<std::string>{"w4a8", "5%"});
  CHECK(tasks[3].config.search.strategy == "random:2");
  CHECK(tasks[3].overrides ==
        std::vector<std::string>{"--search.budget=w4a8 5%", "--search.strategy=random:2"});
  CHECK(tasks_of("search.budget = \"\" | w4a8\n")[0].config.search.budget.empty());
}

TEST_CASE("the scheme of a strategy is a task with that strategy") {
  config::Config base;
  base.report.baselines = {"sensitivity", "random:2", "uniform:lsq+:w4a8"};
  const auto tasks = tasks_of("search.budget = w4a8 | w8a8\n", base);
  REQUIRE(tasks.size() == 7);  // the schemes that are found depend on the budget
  CHECK(tasks[2].baseline);
  CHECK(tasks[2].config.search.strategy == "sensitivity");
  CHECK(tasks[2].config.finetune.scheme == "searched");
  CHECK(tasks[2].overrides ==
        std::vector<std::string>{"--search.budget=w4a8", "--search.strategy=sensitivity"});
  CHECK(tasks[5].overrides == std::vector<std::string>{"--search.budget=w8a8", "--search.strategy=random:2"});
  CHECK(sweep::swept_keys(tasks) ==
        std::vector<std::string>{"search.strategy", "search.budget", "finetune.scheme"});
  // As values of search.strategy they are the same tasks, and not there twice.
  const auto swept =
      tasks_of("search.budget = w4a8 | w8a8\nsearch.strategy = darts | sensitivity | random:2\n");
  const auto both =
      tasks_of("search.budget = w4a8 | w8a8\nsearch.strategy = darts | sensitivity | random:2\n", base);
  CHECK(swept.size() == 6);
  CHECK(both.size() == 7);
  const auto among = [](const std::vector<sweep::Task>& all, const std::string& id) {
    return std::any_of(all.begin(), all.end(), [&](const auto& task) { return task.id == id; });
  };
  CHECK(among(swept, tasks[2].id));
  CHECK(among(both, tasks[5].id));
}

TEST_CASE("how gradient descent goes is nothing to other strategies") {
  const auto tasks = tasks_of("search.strategy = darts | sensitivity\nsearch.steps = 100 | 200\n");
  CHECK(tasks.size() == 3);
  config::Config base;
  base.report.baselines = {"random:1"};
  CHECK(tasks_of("search.order = first | second\nrun.seed = 1 | 2\n", base).size() == 4 + 2);
}

TEST_CASE("at all budgets there are more schemes of the same searches") {
  config::Config base;
  base.search.budget = {"w4a8", "5%"};
  base.report.baselines = {"fisher"};
  base.report.budgets = "all";
  const auto tasks = tasks_of("run.seed = 1 | 2\n", base);
  REQUIRE(tasks.size() == 8);  // two seeds, each searched and fisher at two budgets
  std::set<std::string> schemes, searches;
  for (const auto& task : tasks) {
    schemes.insert(task.config.search.strategy + " " + task.config.finetune.scheme);
    searches.insert(sweep::recipe_name("search", task.config));
  }
  CHECK(schemes == std::set<std::string>{"darts searched", "darts searched:5%", "fisher searched",
                                         "fisher searched:5%"});
  CHECK(searches.size() == 4);
}

TEST_CASE("the first budget is part of no name: no task is there twice") {
  config::Config base;
  base.search.budget = {"w4a8", "5%"};
  base.report.baselines = {"fisher:w4a8"};
  const auto tasks = tasks_of("search.strategy = darts | fisher\n", base);
  CHECK(tasks.size() == 2);
  CHECK_THAT(complaint_of([&] { tasks_of("finetune.scheme = searched | searched:w4a8\n", base); }),
             Contains("two tasks come to the same"));
  base.finetune.scheme = "searched:w4a8";
  CHECK(tasks_of("search.strategy = darts | fisher\n", base).size() == 2);
}

TEST_CASE("what is no task's own scheme is refused, with what to do instead") {
  config::Config base;
  base.finetune.scheme = "sensitivity";
  CHECK_THAT(complaint_of([&] { tasks_of("run.seed = 1 | 2\n", base); }),
             Contains("search.strategy = sensitivity") && Contains("report.baselines"));
  CHECK_THAT(complaint_of([] { tasks_of("finetune.scheme = searched | random\n"); }),
             Contains("search.strategy = random:1"));
  CHECK_THAT(complaint_of([] { tasks_of("finetune.scheme = searched | best\n"); }),
             Contains("finetune.scheme = searched"));
}

TEST_CASE("what bears on a task is what its recipe depends on") {
  // Every option, changed alone, changes the recipe of the evaluation exactly when bears_on says so.
  for (const std::string scheme : {"searched", "sensitivity", "uniform:lsq+:w4a8"}) {
    config::Config base;
    const bool strategy = scheme == "sensitivity";
    base.finetune.scheme = strategy ? "searched" : scheme;
    if (strategy) base.search.strategy = scheme;
    const std::string before = sweep::recipe_name("evaluate", base);
    config::Config changed = base;
    const auto table = config::options_table(changed);
    for (const auto& option : table) {
      if (option.name() == "finetune.scheme" || option.name() == "finetune.from" || !option.changes_result ||
          (strategy && option.name() == "search.strategy"))
        continue;
      const std::string value = config::printed(option);
      std::visit(
          [](auto* field) {
            using Type = std::remove_pointer_t<decltype(field)>;
            if constexpr (std::is_same_v<Type, std::string>)
              *field += "x";
            else if constexpr (std::is_same_v<Type, std::vector<std::string>>)
              field->push_back("x");
            else if constexpr (std::is_same_v<Type, bool>)
              *field = !*field;
            else
              *field += 1;
          },
          option.field);
      INFO(option.name() << " with " << scheme);
      CHECK((sweep::recipe_name("evaluate", changed) != before) == sweep::bears_on(option.name(), base));
      config::assign(option, value.empty() ? "\"\"" : value, "test");
      if (value.empty())
        if (auto* const* list = std::get_if<std::vector<std::string>*>(&option.field)) (*list)->clear();
      REQUIRE(sweep::recipe_name("evaluate", changed) == before);
    }
  }
}

TEST_CASE("recipes are shared where nothing that a stage depends on differs") {
  config::Config a, b;
  b.search.budget = {"w4a8"};
  b.finetune.steps = 7;
  CHECK(sweep::recipe_name("tokenize", a) == sweep::recipe_name("tokenize", b));
  CHECK(sweep::recipe_name("pretrain", a) == sweep::recipe_name("pretrain", b));
  CHECK(sweep::recipe_name("search", a) != sweep::recipe_name("search", b));
  b = a;
  b.model.dim = 128;
  CHECK(sweep::recipe_name("tokenize", a) == sweep::recipe_name("tokenize", b));
  CHECK(sweep::recipe_name("pretrain", a) != sweep::recipe_name("pretrain", b));
  CHECK(sweep::recipe_name("search", a) != sweep::recipe_name("search", b));  // through its input
  b = a;
  b.run.seed = 2;
  CHECK(sweep::recipe_name("tokenize", a) != sweep::recipe_name("tokenize", b));
  CHECK(sweep::recipe_name("tokenize", a).starts_with("tokenize-"));
}
