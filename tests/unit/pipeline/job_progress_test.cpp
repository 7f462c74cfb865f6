#include "pipeline/job_progress.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "catch.hpp"
#include "core/console.hpp"
#include "core/error.hpp"
#include "unit/report/support.hpp"

using namespace bitdarts;
using pipeline::JobRecord;
using pipeline::LogFacts;
using pipeline::StageProgress;

namespace {

const std::string turn_1 =
    "slurm: search, job 12, turn 1: 4 ranks on node[1-2] by srun, 2026-11-23 06:00:00\n"
    "search: 1/250  loss 5.5  2.0k tokens/s  ETA 0:10\n"
    "search: 40/250  loss 5.25  2.0k tokens/s  ETA 0:10\n";
const std::string interruption =
    "search: interrupted after step 55 of 250; the state is saved\n  where: results/x\n"
    "srun: error: node1: task 0: Exited with exit code 75\n"
    "slurmstepd-node1: error: *** JOB 12 ON node1 CANCELLED AT 2026-11-23T06:31:39 DUE TO JOB REQUEUE ***\n";
const std::string turn_2 =
    "slurm: search, job 12, turn 2: 4 ranks on node[1-2] by srun, 2026-11-23 06:32:00\n";

struct Table {
  ScratchDirectory scratch;
  std::string log = (scratch.path() / "search-12.log").string();
  std::string of(const StageProgress& stage, JobRecord job, const std::string& text) {
    std::ofstream(log) << text;
    job.id = "12";
    job.log = log;
    std::string table = pipeline::job_table({stage}, {job});
    table.replace(table.find(log), log.size(), "LOG");
    return table.substr(table.find('\n') + 1);
  }
};

StageProgress stage_in(StageProgress::State state, const std::string& where = "search") {
  return {.where = where,
          .job = "search",
          .stage = "search",
          .state = state,
          .step = {},
          .steps = 250,
          .log = {},
          .why = "reason"};
}
using State = StageProgress::State;

}  // namespace

TEST_CASE("a log tells the last step and loss, and the errors of its last turn only") {
  LogFacts facts = pipeline::read_log(turn_1);
  CHECK(facts.turn == 1);
  CHECK(facts.step == "40/250");
  CHECK(facts.loss == "5.25");
  CHECK(facts.error.empty());
  facts = pipeline::read_log(turn_1 + interruption);
  CHECK(facts.step == "55/250");
  CHECK(facts.error == "JOB 12 ON node1 CANCELLED AT 2026-11-23T06:31:39 DUE TO JOB REQUEUE");
  facts = pipeline::read_log(turn_1 + interruption + turn_2);
  CHECK(facts.turn == 2);
  CHECK(facts.error.empty());
  CHECK_FALSE(facts.done);
  facts = pipeline::read_log(turn_2 +
                             "search: error: no\n  where: here\nslurm: error: search failed: exit code 3\n");
  CHECK(facts.error == "search failed: exit code 3");
  CHECK(pipeline::read_log(turn_2 + "slurm: search: done\n").done);
  CHECK(pipeline::read_log("").turn == 0);
}

TEST_CASE("the loss is found in the lines of progress that the stages print") {
  // By the code that prints them; the values' names are those of search/bilevel.cpp and train/loop.cpp.
  const auto line = [](const std::string& stage, const std::vector<Progress::Value>& values) {
    const ScratchDirectory scratch;
    const auto path = scratch.path() / "log";
    std::fflush(stderr);
    const int before = dup(STDERR_FILENO), log = ::open(path.c_str(), O_WRONLY | O_CREAT, 0600);
    dup2(log, STDERR_FILENO);
    {
      const Console console(true, stage, false, Console::Terminal::no);
      Progress progress(console, stage, 250);
      progress.update(40, values, 1e5, "tokens");
    }
    std::fflush(stderr);
    dup2(before, STDERR_FILENO);
    ::close(before);
    ::close(log);
    return text_in(path);
  };
  auto facts = pipeline::read_log(line("search", {{"outer", 5.25}, {"inner", 5.5}, {"cost", 0.02}}));
  CHECK(facts.step == "40/250");
  CHECK(facts.loss == "5.25");
  CHECK(pipeline::read_log(line("search", {{"loss", 3.5}, {"full precision", 3.25}})).loss == "3.5");
  facts = pipeline::read_log(line("pretrain", {{"learning rate", 1e-3}, {"loss", 4.125}}));
  CHECK(facts.loss == "4.125");
  CHECK(pipeline::read_log(line("evaluate", {{"perplexity", 90}})).loss.empty());
  CHECK(pipeline::read_log(line("tokenize", {})).step == "40/250");
}

TEST_CASE("the queue says what is under way, the product what is done, the log what became of the rest") {
  Table table;
  const auto line = [&](State state, const std::string& queue, std::int64_t requeues,
                        const std::string& text) {
    return table.of(stage_in(state), {"search", "", "", queue, requeues, "Priority"}, text);
  };
  using Catch::Matchers::Matches;
  CHECK_THAT(line(State::missing, "RUNNING", 0, turn_1),
             Matches(R"(search +running +40/250 \(16%\) +5.25 +0 +12 +LOG\n)"));
  CHECK_THAT(line(State::missing, "PENDING", 0, ""),
             Matches(R"(search +queued +- +- +0 +12 +LOG +Priority\n)"));
  CHECK_THAT(line(State::interrupted, "PENDING", 1, turn_1 + interruption),
             Matches(R"(search +queued again +55/250 \(22%\) +5.25 +1 +12 +LOG +Priority\n)"));
  CHECK_THAT(line(State::up_to_date, "", 0, turn_1 + interruption + turn_2),
             Matches(R"(search +done +- +- +1 +12 +LOG\n)"));
  CHECK_THAT(line(State::interrupted, "CANCELLED", 0, turn_1 + interruption),
             Matches(R"(search +cancelled +55/250 .* JOB 12 .*\n)"));
  CHECK_THAT(line(State::failed, "FAILED", 0, turn_1), Matches(R"(search +failed .* reason\n)"));
  CHECK_THAT(line(State::missing, "OUT_OF_MEMORY", 0, turn_1),
             Matches(R"(search +out of memory .* reason\n)"));
  CHECK_THAT(line(State::missing, "", 0, turn_1 + interruption),
             Matches(R"(search +ended +55/250 .* JOB 12 .*\n)"));
}

TEST_CASE("a baseline's job is found by its name, and the report has a line when it has a job") {
  const std::vector<JobRecord> jobs{{"finetune-hand.txt", "7", "", "RUNNING", 0, ""},
                                    {"report", "9", "", "PENDING", 0, "Dependency"}};
  StageProgress stage = stage_in(State::missing, "baselines/hand.txt: finetune");
  stage.stage = "finetune";
  stage.job = "finetune-hand.txt";
  const std::string table = pipeline::job_table({stage}, jobs);
  CHECK_THAT(table, Catch::Matchers::Contains("finetune-hand.txt  running"));
  CHECK_THAT(table, Catch::Matchers::Contains("\nreport             queued"));
}

TEST_CASE("of several jobs of one name the last counts") {
  const ScratchDirectory scratch;
  const auto path = scratch.path() / "jobs";
  std::ofstream(path)
      << "search\t3\tlogs/3\t-\t-\t-\nsearch\t5\tlogs/5\tRUNNING\t2\tNone\nreport\t6\tlogs/6\n";
  const auto jobs = pipeline::read_jobs(path);
  REQUIRE(jobs.size() == 2);
  CHECK(jobs[0].id == "5");
  CHECK(jobs[0].requeues == 2);
  CHECK(jobs[0].reason.empty());
  CHECK(jobs[1].state.empty());
  std::ofstream(path) << "search\t3\n";
  CHECK_THROWS_AS(pipeline::read_jobs(path), InputError);
}
