#include "config/scheme_word.hpp"

#include <map>

#include "catch.hpp"
#include "config/options_table.hpp"
#include "config_test.hpp"

using namespace bitdarts;
using config::read_scheme_word;
using Kind = config::SchemeWord::Kind;
using Catch::Matchers::Contains;

namespace {

std::string strategy_of(const std::string& word) { return config::to_text(read_scheme_word(word).strategy); }
using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("a strategy has one text, however it is written") {
  for (const std::string name : {"darts", "sensitivity", "fisher", "uniform", "random:1", "random:17"})
    CHECK(config::to_text(*config::read_strategy(name)) == name);
  CHECK(config::to_text(*config::read_strategy("random")) == "random:1");
  for (const char* bad : {"", "best", "Darts", "random:0", "random:-1", "random:", "random:x", "random:1:2",
                          "sensitivity:5%", "random:99999999999999999999"}) {
    INFO(bad);
    CHECK_FALSE(config::read_strategy(bad));
    CHECK_THAT(config::strategy_complaint(bad), Contains("random:N"));
  }
}

TEST_CASE("an option is part of the keys of the strategies that read it, and of no other") {
  const std::string others = "sensitivity fisher uniform random:1 ";
  std::map<std::string, std::string> readers;
  for (const char* option :
       {"strategy", "batch", "weight_candidates", "activation_candidates", "cost", "budget"})
    readers[option] = "darts " + others;
  readers["weight_recovery"] = "darts sensitivity fisher ";
  readers["sensitivity_sequences"] = "sensitivity ";
  readers["fisher_batches"] = "fisher ";
  config::Config config;
  for (const config::Option& option : config::options_table(config)) {
    if (option.section != "search") continue;
    std::string in_key;
    for (const std::string strategy : {"darts", "sensitivity", "fisher", "uniform", "random:1"}) {
      config = {};
      config.search.strategy = strategy;
      const std::string before = config::result_options(config, {"search"});
      std::visit(
          [](auto* field) {
            using Type = std::remove_pointer_t<decltype(field)>;
            if constexpr (std::is_same_v<Type, std::string>)
              *field += "x";
            else if constexpr (std::is_same_v<Type, std::vector<std::string>>)
              field->push_back("w4a8");
            else if constexpr (std::is_same_v<Type, bool>)
              *field = !*field;
            else
              *field += 1;
          },
          option.field);
      if (config::result_options(config, {"search"}) != before) in_key += strategy + " ";
    }
    INFO(option.name());
    const auto expected = readers.find(option.key);  // what is not written above is of gradient descent
    CHECK(in_key == (expected == readers.end() ? "darts " : expected->second));
  }
}

TEST_CASE("a misspelt word is not taken for a file without a guess at what it is") {
  CHECK(config::nearest_scheme_word("sensitivty", "") == "did you mean sensitivity?");
  CHECK(config::nearest_scheme_word("fischer:w4a8", "") == "did you mean fisher:w4a8?");
  CHECK(config::nearest_scheme_word("randm:2", "") == "did you mean random:2?");
  CHECK(config::nearest_scheme_word("bset", "") == "did you mean best?");
  for (const char* file : {"hand.txt", "tables/mine_1.txt", "x"})
    CHECK(config::nearest_scheme_word(file, "none") == "none");
}

TEST_CASE("a word names a scheme, and a budget where one is found") {
  CHECK(read_scheme_word("searched").kind == Kind::searched);
  CHECK(read_scheme_word("searched").budget.empty());
  CHECK(read_scheme_word("searched:4.5bits").kind == Kind::searched);
  CHECK(read_scheme_word("searched:4.5bits").budget == "4.5bits");
  CHECK(read_scheme_word("best").kind == Kind::best);
  for (const std::string word : {"sensitivity", "fisher", "uniform", "random", "random:2", "darts"}) {
    CHECK(read_scheme_word(word).kind == Kind::strategy);
    CHECK(read_scheme_word(word).budget.empty());
    CHECK(read_scheme_word(word + ":5%").kind == Kind::strategy);
    CHECK(read_scheme_word(word + ":5%").budget == "5%");
    CHECK(strategy_of(word) == strategy_of(word + ":w2a4"));
  }
  CHECK(strategy_of("random:2:w2a4") == "random:2");
  CHECK(strategy_of("random:0.02") == "random:1");  // no number of a scheme, a budget
  CHECK(read_scheme_word("random:0.02").text == "random:1:0.02");
  CHECK(read_scheme_word("random").text == "random:1");
  CHECK(read_scheme_word("uniform:w3a3").kind == Kind::strategy);  // the best one that costs no more
  CHECK(read_scheme_word("uniform:lsq+:w3a3").kind == Kind::uniform);
  CHECK(read_scheme_word("uniform:uniform:w3a3").kind == Kind::uniform);
  for (const char* file : {"hand.txt", "./sensitivity", "schemes/random:1", "Searched"})
    CHECK(read_scheme_word(file).kind == Kind::file);
}

TEST_CASE("what looks like a word and is none is said to be so, not taken for a file") {
  for (const char* bad : {"searched:", "searched:w3", "searched:hand.txt", "sensitivity:", "sensitivity:2",
                          "fisher:w4a4:w3a3", "random:0", "random:x", "random:2:", "random:2:w3",
                          "uniform:", "uniform:lsq+", "uniform:lsq+:w4", "best:w3a3", ""}) {
    INFO(bad);
    CHECK_FALSE(config::scheme_complaint(bad).empty());
    CHECK_FALSE(config::baseline_complaint(bad).empty());
  }
  CHECK_THAT(config::scheme_complaint("sensitivity:2"), Contains("sensitivity:BUDGET"));
  CHECK_THAT(config::scheme_complaint("uniform:lsq+"),
             Contains("uniform:BUDGET") && Contains("uniform:METHOD:wXaY"));
  CHECK_THAT(config::scheme_complaint("best:w3a3"), Contains("the first of search.budget"));
  CHECK(config::scheme_complaint("best").empty());
  CHECK_THAT(config::baseline_complaint("best"), Contains("always in the report"));
}

TEST_CASE("the folder of a baseline is named after its scheme") {
  CHECK(config::baseline_folder("uniform:lsq+:w4a8") == "uniform_lsqplus_w4a8");
  CHECK(config::baseline_folder("random:2:w2a4") == "random_2_w2a4");
  CHECK(config::baseline_folder("sensitivity:5%") == "sensitivity_5_");
  CHECK(config::baseline_folder("../my tables/b-2.txt") == ".._my_tables_b-2.txt");
}

TEST_CASE("the baselines are those of the report, at one budget or at all of them") {
  config::Config config;
  CHECK(config::baselines_of(config).empty());
  config.search.budget = {"w2a4", "w3a3", "5%"};
  config.report.baselines = {"random", "uniform:lsq+:w3a3", "sensitivity:w3a3", "hand.txt"};
  CHECK(config::baselines_of(config) ==
        Words{"random:1", "uniform:lsq+:w3a3", "sensitivity:w3a3", "hand.txt"});
  config.report.budgets = "all";
  CHECK(config::baselines_of(config) == Words{"random:1", "uniform:lsq+:w3a3", "sensitivity:w3a3", "hand.txt",
                                              "sensitivity", "searched:w3a3", "random:1:w3a3", "searched:5%",
                                              "random:1:5%", "sensitivity:5%"});
  config.finetune.scheme = "searched:w3a3";  // the pipeline's own stands in no folder of a baseline
  config.report.baselines.clear();
  CHECK(config::baselines_of(config) == Words{"searched", "searched:5%"});
  config.finetune.scheme = "best";  // is chosen from among the others
  CHECK(config::baselines_of(config) == Words{"searched", "searched:w3a3", "searched:5%"});
}

TEST_CASE("the first budget is part of no name: one scheme is made once") {
  config::Config config;
  config.search.budget = {"w2a4", "5%"};
  const auto text = [&](const char* word) { return read_scheme_word(word, config).text; };
  CHECK(text("searched:w2a4") == "searched");
  CHECK(text("random:w2a4") == "random:1");
  CHECK(text("random:2:w2a4") == "random:2");
  CHECK(read_scheme_word("fisher:w2a4", config).budget.empty());
  for (const char* other : {"searched:5%", "fisher", "uniform:lsq+:w2a4", "hand:w2a4", "best"})
    CHECK(text(other) == other);
  CHECK(read_scheme_word("fisher:w2a4", {}).text == "fisher:w2a4");

  config.report.budgets = "all";
  config.report.baselines = {"fisher:w2a4", "random:2:5%"};
  config.finetune.scheme = "searched:w2a4";
  const Words words{"fisher", "random:2:5%", "random:2", "searched:5%", "fisher:5%"};
  CHECK(config::baselines_of(config) == words);
  config.finetune.scheme = "searched";
  CHECK(config::baselines_of(config) == words);
  CHECK(config::baseline_config(config, "fisher:w2a4").run.out ==
        config::baseline_config(config, "fisher").run.out);
  CHECK(config::baseline_arguments(config, "fisher:w2a4") == config::baseline_arguments(config, "fisher"));
}

TEST_CASE("at all budgets the first is there too, whatever the pipeline's own scheme") {
  config::Config config;
  config.search.budget = {"w2a4", "5%"};
  config.report.budgets = "all";
  config.report.baselines = {"fisher", "hand.txt"};
  config.finetune.scheme = "hand.txt";  // and is not compared with itself
  CHECK(config::baselines_of(config) == Words{"fisher", "searched", "searched:5%", "fisher:5%"});
  config.finetune.scheme = "fisher:5%";
  CHECK(config::baselines_of(config) == Words{"fisher", "hand.txt", "searched", "searched:5%"});
}

TEST_CASE("a baseline's stages have its scheme and its folder, and take the pipeline's products") {
  config::Config config;
  config.run.out = "results/x";
  const auto baseline = config::baseline_config(config, "fisher:w4a4");
  CHECK(baseline.finetune.scheme == "fisher:w4a4");
  CHECK(baseline.run.in == "results/x");
  CHECK(baseline.run.out == "results/x/baselines/fisher_w4a4");
  CHECK(config::baseline_arguments(config, "fisher:w4a4") ==
        Words{"--out", baseline.run.out, "--in", "results/x", "--finetune.scheme=fisher:w4a4"});
  const auto search = config::strategy_config(config, *config::read_strategy("random:3"));
  CHECK(search.search.strategy == "random:3");
  CHECK(search.run.out == "results/x/baselines/random_3");
  CHECK(config::strategy_arguments(config, *config::read_strategy("random:3")) ==
        Words{"--out", search.run.out, "--in", "results/x", "--search.strategy=random:3"});
}
