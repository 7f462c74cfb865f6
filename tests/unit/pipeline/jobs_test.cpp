#include "pipeline/jobs.hpp"

#include <algorithm>
#include <fstream>

#include "catch.hpp"
#include "config/scheme_word.hpp"
#include "core/error.hpp"
#include "unit/report/support.hpp"

using namespace bitdarts;

namespace {

std::string needs_of(const std::vector<pipeline::Job>& jobs, const std::string& name) {
  for (const pipeline::Job& job : jobs) {
    if (job.name != name) continue;
    std::string needs;
    for (const std::string& need : job.needs) needs += (needs.empty() ? "" : " ") + need;
    return needs;
  }
  return "no such job";
}

std::string names_of(const std::vector<pipeline::Job>& jobs) {
  std::string names;
  for (const pipeline::Job& job : jobs) names += job.name + " ";
  return names;
}

}  // namespace

TEST_CASE("a job waits for those whose products it takes, and a baseline not for the search") {
  const ScratchDirectory scratch;
  config::Config config;
  config.run.out = scratch.path().string();
  const std::string hand = (scratch.path() / "hand.txt").string(), by_hand = config::baseline_folder(hand);
  std::ofstream(hand) << "* lsq+:4 pact:8\n";
  config.report.baselines = {"uniform:lsq+:w4a8", hand};
  auto jobs = pipeline::pipeline_jobs(config);
  CHECK(jobs.size() == 11);
  CHECK(needs_of(jobs, "tokenize").empty());
  CHECK(needs_of(jobs, "search") == "tokenize pretrain");
  CHECK(needs_of(jobs, "finetune") == "tokenize pretrain search");
  CHECK(needs_of(jobs, "evaluate") == "tokenize pretrain finetune");
  CHECK(needs_of(jobs, "finetune-uniform_lsqplus_w4a8") == "tokenize pretrain");
  CHECK(needs_of(jobs, "evaluate-" + by_hand) == "tokenize pretrain finetune-" + by_hand);
  CHECK(jobs.back().name == "report");
  CHECK(jobs.back().needs.size() == 9);  // not what is optional
  CHECK(jobs[6].arguments ==
        std::vector<std::string>{"--out", (scratch.path() / "baselines" / "uniform_lsqplus_w4a8").string(),
                                 "--in", scratch.path().string(), "--finetune.scheme=uniform:lsq+:w4a8"});
  config.finetune.from = "searched";
  CHECK(needs_of(pipeline::pipeline_jobs(config), "finetune-" + by_hand) == "tokenize pretrain search");
}

TEST_CASE("what several evaluations share is optional, and not made for one alone") {
  const ScratchDirectory scratch;
  config::Config config;
  config.run.out = scratch.path().string();
  config.report.baselines = {"uniform:lsq+:w4a8"};
  using State = pipeline::Job::State;
  const auto jobs = pipeline::pipeline_jobs(config);
  for (const pipeline::Job& job : jobs) CHECK((job.state == State::optional) == (job.name == "reference"));
  CHECK(needs_of(jobs, "reference") == "tokenize pretrain");
  for (const pipeline::Job& job : jobs)
    CHECK(std::find(job.needs.begin(), job.needs.end(), "reference") == job.needs.end());
  config.report.baselines.clear();
  CHECK(names_of(pipeline::pipeline_jobs(config)) == "tokenize pretrain search finetune evaluate report ");
}

TEST_CASE("a strategy searches once, for the schemes of all budgets") {
  const ScratchDirectory scratch;
  config::Config config;
  config.run.out = scratch.path().string();
  config.search.budget = {"w4a8", "5%"};
  config.report.baselines = {"sensitivity", "random:2"};
  config.report.budgets = "all";
  const auto jobs = pipeline::pipeline_jobs(config);
  CHECK(names_of(jobs) ==
        "tokenize pretrain search finetune reference evaluate "
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
  CHECK(jobs[6].arguments == std::vector<std::string>{"--out", out + "/baselines/sensitivity", "--in", out,
                                                      "--search.strategy=sensitivity"});
  CHECK(names_of(pipeline::pipeline_jobs(config, "search", "search")) ==
        "search search-sensitivity search-random_2 ");
}

TEST_CASE("the best is chosen after all others are finetuned") {
  const ScratchDirectory scratch;
  config::Config config;
  config.run.out = scratch.path().string();
  config.finetune.scheme = "best";
  config.report.baselines = {"fisher", "uniform:lsq+:w4a8"};
  const auto jobs = pipeline::pipeline_jobs(config, "tokenize", "evaluate");
  CHECK(
      names_of(jobs) ==
      "tokenize pretrain search finetune-searched reference evaluate-searched search-fisher finetune-fisher "
      "evaluate-fisher finetune-uniform_lsqplus_w4a8 evaluate-uniform_lsqplus_w4a8 finetune evaluate ");
  CHECK(needs_of(jobs, "finetune-searched") == "tokenize pretrain search");
  CHECK(needs_of(jobs, "finetune") ==
        "tokenize pretrain finetune-searched finetune-fisher finetune-uniform_lsqplus_w4a8");
  CHECK(needs_of(jobs, "evaluate") == "tokenize pretrain finetune");
}

TEST_CASE("a pipeline with a strategy's scheme as its own has that search, and its own only when asked for") {
  const ScratchDirectory scratch;
  config::Config config;
  config.run.out = scratch.path().string();
  config.search.budget = {"w4a8", "5%"};
  config.finetune.scheme = "fisher";
  const auto names = [&](const std::string& from, const std::string& to) {
    return names_of(pipeline::pipeline_jobs(config, from, to));
  };
  auto jobs = pipeline::pipeline_jobs(config, "search", "finetune");
  CHECK(names_of(jobs) == "search search-fisher finetune ");
  CHECK(needs_of(jobs, "finetune") == "search-fisher");
  CHECK(names("pretrain", "finetune") == "pretrain search-fisher finetune ");
  CHECK(names("pretrain", "search") == "pretrain search search-fisher ");
  config.finetune.from = "searched";  // by fisher
  CHECK(names("pretrain", "finetune") == "pretrain search-fisher finetune ");
  config.finetune.scheme = "uniform:lsq+:w4a8";
  CHECK(names("pretrain", "finetune") == "pretrain search finetune ");
  config.finetune.from = "pretrained";
  CHECK(names("pretrain", "finetune") == "pretrain finetune ");
  config.report.baselines = {"searched:5%"};
  CHECK(names("pretrain", "finetune") == "pretrain search finetune finetune-searched_5_ ");
  config.report.baselines = {"uniform:lsq+:w4a8"};  // itself
  CHECK(names("pretrain", "evaluate") == "pretrain finetune evaluate ");
}

TEST_CASE("what could not end well is refused before the first stage") {
  const ScratchDirectory scratch;
  config::Config config;
  config.run.out = scratch.path().string();
  const auto complaint = [&](const std::string& to) -> std::string {
    try {
      pipeline::pipeline_jobs(config, "tokenize", to);
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "";
  };
  using Catch::Matchers::Contains;
  config.report.baselines = {"sensitivty"};
  for (const char* to : {"report", "search"})
    CHECK_THAT(complaint(to),
               Contains("report.baselines=sensitivty") && Contains("did you mean sensitivity?"));
  config.report.baselines.clear();
  config.finetune.scheme = (scratch.path() / "hand.txt").string();
  CHECK_THAT(complaint("finetune"), Contains("finetune.scheme=" + config.finetune.scheme));
  CHECK(complaint("search").empty());  // the table may be written after the search
  std::ofstream(config.finetune.scheme) << "# only this\n";
  CHECK_THAT(complaint("finetune"), Contains("no line"));
  std::ofstream(config.finetune.scheme) << "* lsq+:4 pact:8\nmodel.layers.0.* lsq+:44 pact:8\n";
  CHECK_THAT(complaint("finetune"), Contains("lsq+:44") && Contains("hand.txt:2"));
  std::ofstream(config.finetune.scheme) << "model.layers.0.* lsq+:4 pact:8\n";
  CHECK(complaint("finetune").empty());

  config = {};
  config.search.budget = {"w4a8", "5%"};
  config.search.strategy = "random";
  config.report.baselines = {"random:2", "darts"};
  CHECK(complaint("report").empty());
  config.report.baselines = {"random:1"};
  CHECK_THAT(complaint("report"), Contains("compared with itself") && Contains("leave it out"));
  config.report.baselines = {"random:5%"};
  CHECK_THAT(complaint("report"), Contains("searched:5%"));
}

TEST_CASE("a part of a pipeline waits only for what is part of it") {
  const ScratchDirectory scratch;
  config::Config config;
  config.run.out = scratch.path().string();
  config.report.baselines = {"uniform:lsq+:w4a8"};
  auto jobs = pipeline::pipeline_jobs(config, "evaluate", "evaluate");
  CHECK(names_of(jobs) == "reference evaluate evaluate-uniform_lsqplus_w4a8 ");
  CHECK(jobs[2].needs.empty());
  jobs = pipeline::pipeline_jobs(config, "report", "report");
  REQUIRE(jobs.size() == 1);
  CHECK(jobs[0].state == pipeline::Job::State::to_be_made);
  CHECK(pipeline::pipeline_jobs(config, "tokenize", "search").size() == 3);
}
