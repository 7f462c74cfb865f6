#include "pipeline/status.hpp"

#include "catch.hpp"
#include "core/error.hpp"
#include "unit/report/support.hpp"

using namespace bitdarts;

TEST_CASE("the status of a pipeline names every stage from first to last, baselines included") {
  const ScratchDirectory scratch;
  config::Config config;
  config.run.out = scratch.path().string();
  config.report.baselines = {"uniform:lsq+:w4a8"};
  const auto stages_of = [&](const std::string& from, const std::string& to) {
    std::string names;
    for (const auto& stage : pipeline::pipeline_status(pipeline::pipeline_steps(config, from, to))) {
      CHECK_FALSE(stage.up_to_date());
      names += stage.stage + " ";
    }
    return names;
  };
  CHECK(stages_of("tokenize", "report") == "tokenize pretrain search finetune evaluate finetune evaluate ");
  CHECK(stages_of("tokenize", "search") == "tokenize pretrain search ");
  CHECK(stages_of("evaluate", "evaluate") == "evaluate evaluate ");
  CHECK(stages_of("report", "report").empty());
  const auto all = pipeline::pipeline_status(pipeline::pipeline_steps(config, "tokenize", "report"));
  CHECK(in_words(all[0]) == "to be made (no text to tokenize: data.text)");
  CHECK(in_words(all[1]) == "to be made (after tokenize)");
  CHECK(in_words(all[4]) == "to be made (after tokenize)");
  using State = pipeline::StageStatus::State;
  CHECK(all[0].state == State::blocked);
  CHECK(all[4].state == State::waiting);
  CHECK(all[4].waits_for == "tokenize");

  CHECK(message_of<ConfigError>([&] { stages_of("search", "pretrain"); }) ==
        "--from search comes after --to pretrain");
  CHECK(contains(message_of<ConfigError>([&] { stages_of("serach", "report"); }), "serach"));
}
