#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/console.hpp"
#include "stage/stage.hpp"
#include "train/finite.hpp"

namespace bitdarts::train {

/// What the loop trains: pretraining, the search, finetuning.
class Trainee {
 public:
  virtual ~Trainee() = default;
  /// One optimisation step, the same on every rank. Returns what the progress bar shows.
  virtual std::vector<Progress::Value> step(std::int64_t step) = 0;
  /// What is measured after `done` steps (validation), before the first too; nothing when it was measured
  /// already. Returns what the progress bar shows beside the values of the step.
  virtual std::vector<Progress::Value> measure(std::int64_t /*done*/) { return {}; }
  /// After step() or measure() threw Interrupted: is the state still that of the step before, so that it can
  /// be saved?
  virtual bool between_steps() const { return true; }
  /// All that decides the rest of the run.
  virtual void save(store::File& file) const = 0;
  virtual void load(const store::File& file) = 0;
  /// Error when the state after `done` steps is nothing to go on from (see finite.hpp). The same verdict on
  /// every rank.
  virtual void check(std::int64_t /*done*/) const {}
  /// A reason to stop before the last step.
  virtual bool finished() const { return false; }
};

struct LoopOptions {
  std::string what;  ///< on the progress bar
  std::int64_t steps = 0;
  double tokens_per_step = 0;
  bool more_follows = false;  ///< the stage has long work left after the last step: the state is saved there
};

/// The one training loop: resume, step, measure, checkpoint by steps and by time, stop on request. Throws
/// Interrupted after the checkpoint when any rank was asked to stop; a step that takes long is given up.
/// Returns the number of steps done in all.
std::int64_t run_loop(const stage::Context& context, stage::Run& run, Trainee& trainee,
                      const LoopOptions& options);

}  // namespace bitdarts::train
