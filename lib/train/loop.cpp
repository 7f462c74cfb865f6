#include "train/loop.hpp"

#include <chrono>

#include "core/error.hpp"

namespace bitdarts::train {
namespace {

// When a checkpoint is due. The clock is rank 0's; the ranks learn of it through the same maximum that
// carries interrupts.
class CheckpointClock {
 public:
  explicit CheckpointClock(const config::RunOptions& run) : run_(run) {}
  bool due_by_steps(std::int64_t done) const {
    return run_.checkpoint_steps > 0 && done % run_.checkpoint_steps == 0;
  }
  bool due_by_time() const {
    return run_.checkpoint_minutes > 0 && std::chrono::steady_clock::now() - last_ >
                                              std::chrono::duration<double>(60 * run_.checkpoint_minutes);
  }
  /// Would a person mind to lose what was done since the last one?
  bool worth_saving() const { return std::chrono::steady_clock::now() - last_ > std::chrono::seconds(30); }
  void saved() { last_ = std::chrono::steady_clock::now(); }

 private:
  const config::RunOptions& run_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

enum Request : std::int64_t { nothing = 0, checkpoint = 1, stop = 2 };

}  // namespace

std::int64_t run_loop(const stage::Context& context, stage::Run& run, Trainee& trainee,
                      const LoopOptions& options) {
  std::int64_t done = 0;
  if (const auto file = run.checkpoint()) {
    done = file->required_int("/state", "step");
    if (done < 0 || done > options.steps)
      throw InputError("the checkpoint is of step " + std::to_string(done) + ", and the run has " +
                           std::to_string(options.steps),
                       file->path().string() + ":/state", "start the stage with --resume=never");
    trainee.load(*file);
  }
  const auto fill = [&](store::File& file) {
    trainee.save(file);
    file.set_attribute("/state", "step", done);
  };
  const std::int64_t start = done;
  CheckpointClock clock(context.config.run);
  const auto save = [&](stage::Run::Need need) {
    trainee.check(done);  // a checkpoint that cannot be gone on from must not push out one that can
    run.save_checkpoint(done, fill, need);
    clock.saved();
  };
  const auto leave = [&](const std::string& state) {
    throw Interrupted("interrupted after step " + std::to_string(done) + " of " +
                          std::to_string(options.steps) + "; " + state,
                      context.out.string(), "run the same command again to go on from there");
  };
  // What takes long looks for signals by itself, and ends all ranks together.
  const auto interruptible = [&](const auto& work) {
    try {
      return work();
    } catch (const Interrupted&) {
      if (!trainee.between_steps())
        throw Interrupted("interrupted within step " + std::to_string(done + 1) + " of " +
                              std::to_string(options.steps) +
                              "; what was done since the last checkpoint is lost",
                          context.out.string(), "run the same command again to go on from there");
      if (done > start) save(stage::Run::Need::required);
      leave(done > start ? "the state is saved" : "nothing has changed since then");
      throw;
    }
  };
  std::vector<Progress::Value> values = interruptible([&] { return trainee.measure(done); });
  Progress progress(context.console, options.what, options.steps, start);
  while (done < options.steps && !trainee.finished()) {
    values = interruptible([&] { return trainee.step(done); });
    ++done;
    for (const auto& value : interruptible([&] { return trainee.measure(done); })) values.push_back(value);
    progress.update(done, values, options.tokens_per_step * static_cast<double>(done - start), "tokens");
    const std::int64_t mine = context.interrupts.raised_here()              ? stop
                              : context.world.root() && clock.due_by_time() ? checkpoint
                                                                            : nothing;
    const std::int64_t request = context.world.max(mine);
    if (request == nothing && !clock.due_by_steps(done)) continue;
    save(request == stop ? stage::Run::Need::required : stage::Run::Need::welcome);
    if (request == stop) leave("the state is saved");
  }
  trainee.check(done);
  const bool saves = options.more_follows && context.world.root() && clock.worth_saving();
  if (context.world.max(saves ? 1 : 0) > 0) save(stage::Run::Need::welcome);
  progress.finish();
  return done;
}

}  // namespace bitdarts::train
