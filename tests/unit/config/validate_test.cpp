#include <cmath>
#include <functional>

#include "config_test.hpp"

using namespace bitdarts;
using namespace config_test;
using Catch::Matchers::Contains;

TEST_CASE("the defaults are valid") { CHECK_NOTHROW(config::validate({})); }

TEST_CASE("values outside their range are refused") {
  const std::string wrong =
      GENERATE("search.steps=0", "data.search_fraction=0", "data.test_fraction=1", "model.heads=0",
               "pretrain.beta1=1", "run.threads=0", "search.temperature=0", "run.shards=0",
               "tokenizer.vocab_size=100", "pretrain.final_learning_rate=1.1", "quantizer.clip_decay=-1");
  INFO(wrong);
  const auto equals = wrong.find('=');
  CHECK_THAT(complaint_about({"--" + wrong}),
             Contains(wrong.substr(0, equals) + " = " + wrong.substr(equals + 1)) && Contains("must be"));
}

TEST_CASE("impossible combinations are refused, with every value and where it came from") {
  const TemporaryIni ini("[run]\nshards = 16\n");
  const std::string message = complaint_about({"--config", ini.path(), "--search.batch=24"});
  CHECK_THAT(message, Contains("search.batch = 24 (command line)") &&
                          Contains("run.shards = 16 (" + ini.path() + ":2)"));
  CHECK_THAT(complaint_about({"--run.shards=3"}), Contains("power of two"));
  CHECK_THAT(complaint_about({"--run.shards=64"}), Contains("pretrain.batch = 32 (default)"));
  CHECK_THAT(complaint_about({"--finetune.batch=12"}), Contains("finetune.batch = 12"));
  CHECK_THAT(complaint_about({"--model.heads=3"}), Contains("do not divide"));
  CHECK_THAT(complaint_about({"--model.dim=12"}), Contains("odd number"));
  CHECK_THAT(complaint_about({"--model.kv_heads=3"}), Contains("keys and values"));
  CHECK_THAT(complaint_about({"--data.search_fraction=0.5", "--data.test_fraction=0.5"}),
             Contains("nothing is left"));
  CHECK_THAT(complaint_about({"--evaluate.stride=257"}), Contains("leave tokens out"));
  CHECK_THAT(complaint_about({"--search.warmup_steps=500"}), Contains("frozen"));
}

TEST_CASE("the schedule of α bears on searches by gradient descent alone") {
  const std::vector<std::string> wrong{"--search.warmup_steps=500", "--search.error_mode=dual"};
  const auto with = [&](const std::string& more) {
    return complaint_about({wrong[0], wrong[1], "--search.strategy=sensitivity", more});
  };
  CHECK(with("--report.baselines=random:2 hand.txt").empty());
  CHECK_FALSE(with("--search.strategy=darts").empty());
  CHECK_FALSE(with("--report.baselines=fisher darts").empty());
  CHECK_FALSE(with("--finetune.scheme=darts").empty());
}

TEST_CASE("candidates are METHOD:BITS or fp32, at least one, and none twice") {
  const std::string bad = GENERATE("lsq:4", "lsq+:1", "lsq+:17", "lsq+:32", "lsq+", "lsq+:", "lsq+:4.0",
                                   "fp16", "FP32", ":4", "pact:4:4");
  INFO(bad);
  CHECK_THAT(complaint_about({"--search.weight_candidates=pact:4 " + bad}),
             Contains(bad + " is no candidate"));
  CHECK_THAT(complaint_about({"--search.activation_candidates=" + bad}),
             Contains("search.activation_candidates"));
  CHECK_THAT(complaint_about({"--search.weight_candidates="}), Contains("at least one"));
  CHECK_THAT(complaint_about({"--search.weight_candidates=pact:4 fp32 pact:4"}), Contains("twice"));
  CHECK(complaint_about({"--search.weight_candidates=uniform:2,lsq+:16,pact:7"}).empty());
}

TEST_CASE("options of sbatch are long ones without blanks in them") {
  for (const char* good : {"", "--time=1", "--time=1-0  --exclusive --gres=gpu:2,tmp:1"})
    CHECK(complaint_about({std::string("--slurm.options=") + good}).empty());
  for (const char* bad : {"-p big", "--time 1", "--=1", "--", "time=1", "--comment='two words'"})
    CHECK_THAT(complaint_about({std::string("--slurm.search=") + bad}), Contains("has the word"));
  CHECK_THAT(complaint_about({"--slurm.launcher=aprun"}), Contains("auto, srun, mpirun"));
}

TEST_CASE("budgets are written as documented") {
  for (const char* good : {"w4a8", "w16a16", "w32a32", "0.02", "1", "2%", "100%", "1.6%"})
    CHECK(complaint_about({std::string("--search.budget=") + good}) == "");
  for (const char* good : {"w4a8", "4.5bits", "1.5MB", "4bits"})
    CHECK(complaint_about({std::string("--search.budget=") + good, "--search.cost=size"}) == "");
  for (const char* bad :
       {"w4",   "a8",   "w4a",   "wa4",    "w1a4", "w17a4",  "4a8",   "W4A8", "0",   "-1", "1.01",
        "101%", "bits", "0bits", "33bits", "MB",   "1.5 MB", "1.5GB", "nan",  "inf", "2 %"}) {
    INFO(bad);
    CHECK_THAT(complaint_about({std::string("--search.budget=") + bad}), Contains("is no budget"));
  }
}

TEST_CASE("budgets are a list, each of them sound and none there twice") {
  CHECK(complaint_about({"--search.budget=w4a8 5%,w8a8"}).empty());
  CHECK_THAT(complaint_about({"--search.budget=w4a8 w5"}), Contains("w5 is no budget"));
  CHECK_THAT(complaint_about({"--search.budget=w8a8 w3a3"}),
             Contains("cheapest candidates") && Contains("w3a3"));
  CHECK_THAT(complaint_about({"--search.budget=w8a8 4.5bits"}),
             Contains("4.5bits") && Contains("search.cost = size"));
  CHECK_THAT(complaint_about({"--search.budget=w4a8 5% w4a8"}), Contains("w4a8 and w4a8 are the same"));
  CHECK_THAT(complaint_about({"--search.budget=2% w4a8 0.02"}), Contains("2% and 0.02 are the same"));
  CHECK(complaint_about({"--search.budget=\"\""}).empty());  // none
}

TEST_CASE("the budget of a scheme is one that the search has") {
  CHECK(complaint_about({"--search.budget=w4a8 5%", "--finetune.scheme=searched:5%"}).empty());
  CHECK(complaint_about({"--search.budget=w4a8 5%", "--report.baselines=random:2:5% sensitivity fisher:w4a8"})
            .empty());
  CHECK_THAT(
      complaint_about({"--search.budget=w4a8 5%", "--finetune.scheme=searched:w8a8"}),
      Contains("searched:w8a8 names a budget that no search has") && Contains("search.budget = w4a8 5%"));
  CHECK_THAT(complaint_about({"--search.budget=w4a8", "--report.baselines=random:2:0.05"}),
             Contains("random:2:0.05 names a budget"));
  CHECK_THAT(complaint_about({"--finetune.scheme=sensitivity:w4a8"}), Contains("names a budget"));
}

TEST_CASE("no two baselines share a folder") {
  CHECK_THAT(complaint_about({"--report.baselines=a_b.txt a:b.txt"}),
             Contains("a_b.txt and a:b.txt") && Contains("same folder"));
  CHECK_THAT(complaint_about({"--report.baselines=a/b.txt a_b.txt"}), Contains("rename one of them"));
  // Nor with what nobody wrote down: at another budget, or the search of a strategy.
  CHECK_THAT(complaint_about({"--search.budget=w4a8 w8a8", "--report.budgets=all",
                              "--report.baselines=fisher fisher_w8a8"}),
             Contains("fisher_w8a8 and fisher:w8a8") && Contains("rename the file"));
  CHECK_THAT(complaint_about(
                 {"--search.strategy=fisher", "--finetune.scheme=random:2", "--report.baselines=random_2"}),
             Contains("random_2 and random:2"));
  CHECK(complaint_about({"--finetune.scheme=a/b.txt", "--report.baselines=a_b.txt"}).empty());
  CHECK_THAT(complaint_about({"--report.baselines=random uniform:lsq+:w4a4 random:1"}),
             Contains("random and random:1"));
  CHECK_THAT(complaint_about({"--report.baselines=a.txt a.txt"}), Contains("name every scheme once"));
  CHECK_THAT(complaint_about({"--search.budget=w4a8 5%", "--report.baselines=fisher fisher:w4a8"}),
             Contains("fisher and fisher:w4a8") && Contains("name every scheme once"));
}

TEST_CASE("the search has a strategy and knows what to do with the weights") {
  for (const char* good : {"darts", "sensitivity", "fisher", "uniform", "random", "random:12"})
    CHECK(complaint_about({std::string("--search.strategy=") + good}).empty());
  CHECK_THAT(complaint_about({"--search.strategy=random:0"}), Contains("is no strategy"));
  CHECK(complaint_about({"--search.weights=frozen"}).empty());
  CHECK_THAT(complaint_about({"--search.weights=none"}), Contains("trained, frozen"));
  CHECK_THAT(complaint_about({"--search.sensitivity_sequences=0"}), Contains("at least 1"));
  CHECK_THAT(complaint_about({"--search.fisher_batches=0"}), Contains("at least 1"));
  CHECK_THAT(complaint_about({"--report.budgets=some"}), Contains("first, all"));
}

TEST_CASE("a budget fits its cost and can be met by the candidates") {
  CHECK_THAT(complaint_about({"--search.budget=4.5bits"}), Contains("search.cost = size"));
  CHECK_THAT(complaint_about({"--search.budget=1.5MB"}), Contains("search.cost = size"));
  CHECK(complaint_about({"--search.budget=12.5%", "--search.cost=size"}).empty());
  CHECK_THAT(complaint_about({"--search.budget=12%", "--search.cost=size"}), Contains("cheapest candidates"));
  // The default candidates start at 4 bits: 4*4/1024 = 1.5625 %.
  CHECK(complaint_about({"--search.budget=0.015625"}).empty());
  CHECK_THAT(complaint_about({"--search.budget=0.0156"}), Contains("cheapest candidates"));
  CHECK_THAT(complaint_about({"--search.budget=w3a4"}), Contains("cheapest candidates"));
  CHECK(complaint_about({"--search.budget=w2a8"}).empty());
  CHECK_THAT(complaint_about({"--search.budget=w2a8", "--search.cost=size"}),
             Contains("cheapest candidates"));
  CHECK_THAT(complaint_about({"--search.budget=3.9bits", "--search.cost=size"}),
             Contains("cheapest candidates"));
}

TEST_CASE("a multiplier has what its mode needs") {
  CHECK(complaint_about({"--search.budget="}).empty());  // dual without a budget: λ_cost stays 0
  CHECK_THAT(complaint_about({"--search.cost_weight=1"}), Contains("without a budget"));
  CHECK(complaint_about({"--search.cost_weight=1", "--search.cost_mode=fixed"}).empty());
  CHECK_THAT(complaint_about({"--search.cost_mode=uncertainty"}), Contains("search.cost_weight"));
  CHECK_THAT(complaint_about({"--search.error_mode=dual"}), Contains("search.error_budget"));
  CHECK(complaint_about({"--search.error_mode=dual", "--search.error_budget=0.01"}).empty());
}

TEST_CASE("schemes and baselines are words, uniform:METHOD:wXaY or a file") {
  for (const char* good : {"searched", "best", "sensitivity", "random:3", "uniform:lsq+:w4a8",
                           "uniform:pact:w32a4", "my/scheme.txt"})
    CHECK(complaint_about({std::string("--finetune.scheme=") + good}) == "");
  for (const char* bad : {"uniform:lsq+", "uniform:w4a4", "uniform:lsq:w4a4", "uniform:lsq+:w4",
                          "uniform:lsq+:w1a4", "uniform:", ""}) {
    INFO(bad);
    CHECK_FALSE(complaint_about({std::string("--finetune.scheme=") + bad}).empty());
  }
  CHECK(complaint_about({"--report.baselines=uniform:lsq+:w4a4, uniform:pact:w8a8 hand.txt"}).empty());
  CHECK_THAT(complaint_about({"--report.baselines=uniform:lsq+:w4a4 uniform:best:w4a4"}),
             Contains("uniform:best:w4a4"));
  CHECK_THAT(complaint_about({"--report.baselines=searched"}), Contains("always in the report"));
}

TEST_CASE("the options of a key are those that change the result, and no others") {
  const std::vector<std::string> sections{"search", "model", "run"};
  const std::string before = config::result_options({}, sections);
  const double rate = config::Config{}.search.alpha_learning_rate;
  const auto after = [&](const std::function<void(config::Config&)>& change) {
    config::Config config;
    change(config);
    return config::result_options(config, sections);
  };
  CHECK(after([](auto& c) { c.run.out = "elsewhere"; }) == before);
  CHECK(after([](auto& c) { c.run.in = "elsewhere"; }) == before);
  CHECK(after([](auto& c) { c.run.checkpoint_steps = 7; }) == before);
  CHECK(after([](auto& c) { c.run.checkpoint_minutes = 7; }) == before);
  CHECK(after([](auto& c) { c.run.resume = "never"; }) == before);
  CHECK(after([](auto& c) { c.run.force = c.run.quiet = true; }) == before);
  CHECK(after([](auto& c) { c.pretrain.steps = 7; }) == before);  // not a section that was asked for
  CHECK(after([](auto& c) { c.run.seed = 7; }) != before);
  CHECK(after([](auto& c) { c.run.shards = 4; }) != before);
  CHECK(after([](auto& c) { c.run.threads = 2; }) != before);
  CHECK(after([](auto& c) { c.run.device = "cuda"; }) != before);
  CHECK(after([](auto& c) { c.run.blas_kernel = "Haswell"; }) != before);
  // Keys are as old as the products: an option that came later is not in them until it is used.
  CHECK_THAT(before, !Contains("blas_kernel"));
  CHECK(after([](auto& c) { c.search.steps = 7; }) != before);
  CHECK(after([&](auto& c) { c.search.alpha_learning_rate = std::nextafter(rate, 1.0); }) != before);
  CHECK(after([](auto& c) { c.model.dim = 7; }) != before);
  CHECK(config::result_options({}, {"run", "model", "search"}) ==
        before);  // the order of asking is no matter
  CHECK_THAT(after([](auto& c) { c.search.alpha_learning_rate = 0.02; }),
             Contains("search.alpha_learning_rate = 0.02\n"));
}
