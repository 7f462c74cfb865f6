#include "train/loop.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>

#include "catch.hpp"
#include "core/error.hpp"
#include "scratch_directory.hpp"

using namespace bitdarts;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

// Counts its steps; everything it knows is the list of them.
class Counter : public train::Trainee {
 public:
  std::vector<Progress::Value> step(std::int64_t step) override {
    seen.push_back(step);
    if (step == raise_at) std::raise(SIGTERM);
    return {};
  }
  void save(store::File& file) const override { file.write<std::int64_t>("/state/seen", seen); }
  void load(const store::File& file) override { seen = file.read<std::int64_t>("/state/seen"); }
  bool finished() const override { return static_cast<std::int64_t>(seen.size()) == enough; }

  std::vector<std::int64_t> seen;
  std::int64_t raise_at = -1, enough = -1;
};

class Bench {
 public:
  Bench() {
    config_.run.quiet = true;
    config_.run.checkpoint_minutes = 0;
  }

  std::int64_t train(Counter& counter, std::int64_t steps) {
    const comm::InterruptWatch interrupts;
    const stage::Context context{config_, world_, interrupts, console_, out_, out_};
    stage::Run run(context, {.name = "pretrain",
                             .schema_version = 1,
                             .product = "pretrained.h5",
                             .sections = {"run"},
                             .inputs = {},
                             .extra_key = {}});
    return train::run_loop(context, run, counter, {.what = "count", .steps = steps, .tokens_per_step = 1});
  }
  std::size_t checkpoints() const {
    std::error_code absent;
    std::size_t count = 0;
    for (const auto& file : fs::directory_iterator(out_ / ".checkpoints" / "pretrained", absent))
      count += file.is_regular_file();
    return count;
  }
  config::Config& config() { return config_; }
  fs::path checkpoint_folder() const { return out_ / ".checkpoints" / "pretrained"; }

 private:
  ScratchDirectory scratch_;
  fs::path out_ = scratch_ / "out";
  config::Config config_;
  comm::Communicator world_;
  Console console_{false, "pretrain"};
};

using Steps = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("the loop takes every step once, in order") {
  Bench bench;
  Counter counter;
  CHECK(bench.train(counter, 5) == 5);
  CHECK(counter.seen == Steps{0, 1, 2, 3, 4});
  CHECK(bench.checkpoints() == 0);
}

TEST_CASE("a signal ends the loop at the step boundary, with a checkpoint that the next run goes on from") {
  Bench bench;
  Counter counter;
  counter.raise_at = 2;
  CHECK_THROWS_AS(bench.train(counter, 5), Interrupted);
  CHECK(counter.seen == Steps{0, 1, 2});  // the step was finished
  Counter next;
  CHECK(bench.train(next, 5) == 5);
  CHECK(next.seen == Steps{0, 1, 2, 3, 4});
}

namespace {

// Measures after every step, and before the first; what it measured is part of its state.
class Measuring : public Counter {
 public:
  std::vector<Progress::Value> measure(std::int64_t done) override {
    if (done == stop_at) throw Interrupted("of the work itself");
    if (measured.empty() || measured.back() < done) measured.push_back(done);
    return {};
  }
  std::vector<Progress::Value> step(std::int64_t step) override {
    if (step == stop_in_step) {
      changing = after_change;
      throw Interrupted("of the work itself");
    }
    return Counter::step(step);
  }
  bool between_steps() const override { return !changing; }
  void save(store::File& file) const override {
    Counter::save(file);
    file.write<std::int64_t>("/state/measured", measured);
  }
  void load(const store::File& file) override {
    Counter::load(file);
    measured = file.read<std::int64_t>("/state/measured");
  }

  std::vector<std::int64_t> measured;
  std::int64_t stop_at = -1, stop_in_step = -1;
  bool after_change = false, changing = false;
};

}  // namespace

TEST_CASE("a measurement that is interrupted is made up for, once") {
  for (const std::int64_t stop_at : {0, 2, 5}) {
    CAPTURE(stop_at);
    Bench bench;
    Measuring measuring;
    measuring.stop_at = stop_at;
    CHECK_THROWS_WITH(bench.train(measuring, 5), Contains("after step " + std::to_string(stop_at) + " of 5"));
    CHECK(bench.checkpoints() == (stop_at > 0 ? 1 : 0));  // before the first step there is nothing to save
    Measuring next;
    CHECK(bench.train(next, 5) == 5);
    CHECK(next.seen == Steps{0, 1, 2, 3, 4});
    CHECK(next.measured == Steps{0, 1, 2, 3, 4, 5});
  }
}

TEST_CASE("a step that is given up is taken again, from before it changed anything") {
  Bench bench;
  bench.config().run.checkpoint_steps = 2;
  Measuring measuring;
  measuring.stop_in_step = 3;
  SECTION("before it has changed anything its state is saved") {
    CHECK_THROWS_WITH(bench.train(measuring, 5), Contains("after step 3 of 5; the state is saved"));
  }
  SECTION("afterwards the last checkpoint is gone on from") {
    measuring.after_change = true;
    CHECK_THROWS_WITH(bench.train(measuring, 5), Contains("within step 4 of 5"));
  }
  Measuring next;
  CHECK(bench.train(next, 5) == 5);
  CHECK(next.seen == Steps{0, 1, 2, 3, 4});
  CHECK(next.measured == Steps{0, 1, 2, 3, 4, 5});
}

TEST_CASE("checkpoints are written every so many steps, and the last is resumed from") {
  Bench bench;
  bench.config().run.checkpoint_steps = 2;
  Counter counter;
  bench.train(counter, 5);
  CHECK(bench.checkpoints() > 0);
  Counter next;
  next.seen = {99};  // replaced by what is loaded
  CHECK(bench.train(next, 7) == 7);
  CHECK(next.seen == Steps{0, 1, 2, 3, 4, 5, 6});
}

TEST_CASE("checkpoints are written every so many minutes") {
  Bench bench;
  Counter counter;
  SECTION("long ones") {
    bench.config().run.checkpoint_minutes = 1e6;
    bench.train(counter, 5);
    CHECK(bench.checkpoints() == 0);
  }
  SECTION("shorter than a step") {
    bench.config().run.checkpoint_minutes = 1e-12;
    bench.train(counter, 5);
    CHECK(bench.checkpoints() == 2);  // the last two
    Counter next;
    bench.train(next, 6);
    CHECK(next.seen == Steps{0, 1, 2, 3, 4, 5});
  }
}

TEST_CASE("the loop stops when there is nothing left to learn") {
  Bench bench;
  Counter counter;
  counter.enough = 3;
  CHECK(bench.train(counter, 10) == 3);
}

TEST_CASE("a number that is not finite is an error with step, place and remedy") {
  CHECK_NOTHROW(train::require_finite(1.0, "the loss", 3, "pretrain"));
  CHECK_THROWS_WITH(
      train::require_finite(std::nan(""), "the loss", 3, "pretrain"),
      Contains("the loss") && Contains("step 3") && Contains("pretrain") && Contains("learning rate"));
  CHECK_THROWS_AS(train::require_finite(-INFINITY, "the loss", 3, "pretrain"), Error);
}

namespace {

// Makes checkpoints impossible at chosen steps: a file where their directory belongs.
class Blocked : public Counter {
 public:
  Blocked(fs::path checkpoints, std::int64_t from, std::int64_t to)
      : checkpoints_(std::move(checkpoints)), from_(from), to_(to) {}
  std::vector<Progress::Value> step(std::int64_t step) override {
    if (step == from_) {
      if (fs::exists(checkpoints_)) fs::rename(checkpoints_, checkpoints_.string() + ".aside");
      fs::create_directories(checkpoints_.parent_path());
      std::ofstream(checkpoints_) << "in the way";
    }
    if (step == to_) {
      fs::remove(checkpoints_);
      const fs::path aside = checkpoints_.string() + ".aside";
      if (fs::exists(aside)) fs::rename(aside, checkpoints_);
    }
    return Counter::step(step);
  }

 private:
  fs::path checkpoints_;
  std::int64_t from_, to_;
};

}  // namespace

TEST_CASE("two checkpoints that cannot be written are no reason to stop, and the third in a row is") {
  Bench bench;
  bench.config().run.checkpoint_steps = 1;
  Blocked short_trouble(bench.checkpoint_folder(), 1, 3);
  CHECK(bench.train(short_trouble, 6) == 6);
  CHECK(bench.checkpoints() == 2);
  Bench other;
  other.config().run.checkpoint_steps = 1;
  Blocked long_trouble(other.checkpoint_folder(), 0, 9);
  CHECK_THROWS_WITH(other.train(long_trouble, 6),
                    Contains("step 3 cannot be written") && Contains("there is no earlier one"));
  CHECK(long_trouble.seen == Steps{0, 1, 2});
}

TEST_CASE("a run that was asked to stop and cannot save its state has failed") {
  Bench bench;
  Blocked blocked(bench.checkpoint_folder(), 0, 9);
  blocked.raise_at = 1;
  try {
    bench.train(blocked, 5);
    FAIL("it goes on");
  } catch (const Error& error) {
    CHECK(error.exit_code() == ExitCode::failure);
  }
}

TEST_CASE("a state that is nothing to go on from is not saved") {
  class Broken : public Counter {
   public:
    void check(std::int64_t done) const override {
      if (done == 3) train::require_finite(std::nan(""), "a weight", done, "test, w");
    }
  };
  Bench bench;
  bench.config().run.checkpoint_steps = 1;
  Broken broken;
  CHECK_THROWS_WITH(bench.train(broken, 5), Contains("step 3") && Contains("test, w"));
  CHECK(bench.checkpoints() == 2);
  Counter next;
  bench.train(next, 2);
  CHECK(next.seen == Steps{0, 1});  // from the checkpoint of step 2, which was kept
}
