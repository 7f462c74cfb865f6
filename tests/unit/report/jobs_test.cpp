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
