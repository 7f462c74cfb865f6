#include "report/jobs.hpp"

#include "catch.hpp"
#include "support.hpp"

using namespace bitdarts;

namespace {

std::string needs_of(const std::vector<report::Job>& jobs, const std::string& name) {
  for (const report::Job& job : jobs) {
    if (job.name != name) continue;
    std::string needs;
    for (const std::string& need : job.needs) needs += (needs.empty() ? "" : " ") + need;
    return needs;
  }
  return "no such job";
}

std::string names_of(const std::vector<report::Job>& jobs) {
  std::string names;
  for (const report::Job& job : jobs) names += job.name + " ";
  return names;
}

}  // namespace

TEST_CASE("a job waits for those whose products it takes, and a baseline not for the search") {
  const ScratchDirectory scratch;
  config::Config config;
  config.run.out = scratch.path().string();
  config.report.baselines = {"uniform:lsq+:w4a8", "hand.txt"};
  auto jobs = report::pipeline_jobs(config);
  CHECK(jobs.size() == 10);
  CHECK(needs_of(jobs, "tokenize").empty());
  CHECK(needs_of(jobs, "search") == "tokenize pretrain");
  CHECK(needs_of(jobs, "finetune") == "tokenize pretrain search");
  CHECK(needs_of(jobs, "evaluate") == "tokenize pretrain finetune");
  CHECK(needs_of(jobs, "finetune-uniform_lsqplus_w4a8") == "tokenize pretrain");
  CHECK(needs_of(jobs, "evaluate-hand.txt") == "tokenize pretrain finetune-hand.txt");
  CHECK(jobs.back().name == "report");
  CHECK(jobs.back().needs.size() == 9);
  CHECK(jobs[5].arguments ==
        std::vector<std::string>{"--out", (scratch.path() / "baselines" / "uniform_lsqplus_w4a8").string(),
                                 "--in", scratch.path().string(), "--finetune.scheme=uniform:lsq+:w4a8"});
  config.finetune.from = "searched";
  CHECK(needs_of(report::pipeline_jobs(config), "finetune-hand.txt") == "tokenize pretrain search");
}

TEST_CASE("a strategy searches once, for the schemes of all budgets") {
  const ScratchDirectory scratch;
  config::Config config;
  config.run.out = scratch.path().string();
  config.search.budget = {"w4a8", "5%"};
  config.report.baselines = {"sensitivity", "random:2"};
  config.report.budgets = "all";
  const auto jobs = report::pipeline_jobs(config);
  CHECK(names_of(jobs) ==
        "tokenize pretrain search finetune evaluate "
        "search-sensitivity finetune-sensitivity evaluate-sensitivity "
        "search-random_2 finetune-random_2 evaluate-random_2 "
        "finetune-searched_5_ evaluate-searched_5_ finetune-sensitivity_5_ evaluate-sensitivity_5_ "
        "finetune-random_2_5_ evaluate-random_2_5_ report ");
  CHECK(needs_of(jobs, "search-sensitivity") == "tokenize pretrain");
  CHECK(needs_of(jobs, "finetune-sensitivity") == "tokenize pretrain search-sensitivity");
  CHECK(needs_of(jobs, "finetune-sensitivity_5_") == "tokenize pretrain search-sensitivity");
  CHECK(needs_of(jobs, "finetune-searched_5_") == "tokenize pretrain search");
  CHECK(needs_of(jobs, "evaluate-random_2_5_") == "tokenize pretrain finetune-random_2_5_");
  const std::string out = scratch.path().string();
  CHECK(jobs[5].arguments == std::vector<std::string>{"--out", out + "/baselines/sensitivity", "--in", out,
                                                      "--search.strategy=sensitivity"});
  CHECK(names_of(report::pipeline_jobs(config, "search", "search")) ==
        "search search-sensitivity search-random_2 ");
}

TEST_CASE("the best is chosen after all others are finetuned") {
  const ScratchDirectory scratch;
  config::Config config;
  config.run.out = scratch.path().string();
  config.finetune.scheme = "best";
  config.report.baselines = {"fisher", "uniform:lsq+:w4a8"};
  const auto jobs = report::pipeline_jobs(config, "tokenize", "evaluate");
  CHECK(names_of(jobs) ==
        "tokenize pretrain search finetune-searched evaluate-searched search-fisher finetune-fisher "
        "evaluate-fisher finetune-uniform_lsqplus_w4a8 evaluate-uniform_lsqplus_w4a8 finetune evaluate ");
  CHECK(needs_of(jobs, "finetune-searched") == "tokenize pretrain search");
  CHECK(needs_of(jobs, "finetune") ==
        "tokenize pretrain finetune-searched finetune-fisher finetune-uniform_lsqplus_w4a8");
  CHECK(needs_of(jobs, "evaluate") == "tokenize pretrain finetune");
}

TEST_CASE("a pipeline with a strategy's scheme as its own has that search too") {
  const ScratchDirectory scratch;
  config::Config config;
  config.run.out = scratch.path().string();
  config.finetune.scheme = "fisher";
  const auto jobs = report::pipeline_jobs(config, "search", "finetune");
  CHECK(names_of(jobs) == "search search-fisher finetune ");
  CHECK(needs_of(jobs, "finetune") == "search-fisher");
}

TEST_CASE("a part of a pipeline waits only for what is part of it") {
  const ScratchDirectory scratch;
  config::Config config;
  config.run.out = scratch.path().string();
  config.report.baselines = {"uniform:lsq+:w4a8"};
  auto jobs = report::pipeline_jobs(config, "evaluate", "evaluate");
  REQUIRE(jobs.size() == 2);
  CHECK(jobs[0].name == "evaluate");
  CHECK(jobs[1].name == "evaluate-uniform_lsqplus_w4a8");
  CHECK(jobs[1].needs.empty());
  jobs = report::pipeline_jobs(config, "report", "report");
  REQUIRE(jobs.size() == 1);
  CHECK_FALSE(jobs[0].up_to_date);
  CHECK(report::pipeline_jobs(config, "tokenize", "search").size() == 3);
}
