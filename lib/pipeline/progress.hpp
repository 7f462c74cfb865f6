#pragma once
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/status.hpp"

namespace bitdarts::pipeline {

/// How far a stage is, for people who wait for it. Steps and losses are those of the newest checkpoint of
/// what would be made now, or of the product.
struct StageProgress {
  std::string where;  ///< "pretrain", "baselines/lsqplus_w4a8: finetune", "tasks/w4a8-1a2b3c4d"
  std::string job;    ///< what a cluster calls it: "pretrain", "finetune-lsqplus_w4a8", "tasks/w4a8-1a2b3c4d"
  std::string stage;
  enum class State {
    up_to_date,
    not_needed,
    running,
    interrupted,
    failed,
    waiting,
    missing,
    stale,
    damaged,
    blocked
  };
  State state = State::missing;
  std::optional<std::int64_t> step;  ///< steps done
  std::int64_t steps = 0;            ///< of how many; 0 where a stage has none
  double loss = NAN;                 ///< nats per token, the last one
  std::string log;                   ///< a file, where there is one
  std::string why;                   ///< who runs it, why it failed, what it waits for
  /// Is there nothing left to do?
  bool done() const { return state == State::up_to_date || state == State::not_needed; }
};

const char* name_of(StageProgress::State state);  ///< "up_to_date", "running", ...

/// What the status of a stage says, and its folder: the lock of a run, checkpoints, `failed` and `log`.
StageProgress progress_of(const StageStatus& status);

/// That of each step of a pipeline; where tells baselines apart.
std::vector<StageProgress> pipeline_progress(const std::vector<Step>& steps);

/// One line each under a header, for people: columns aligned, "-" for what is not known.
std::string progress_table(const std::vector<StageProgress>& stages);
/// The same for programs, tab-separated: where stage state step steps loss log why.
std::string progress_tsv(const std::vector<StageProgress>& stages);

}  // namespace bitdarts::pipeline
