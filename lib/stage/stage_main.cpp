#include <omp.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "comm/communicator.hpp"
#include "comm/stop.hpp"
#include "core/error.hpp"
#include "stage/environment.hpp"
#include "stage/farewell.hpp"
#include "stage/launcher.hpp"
#include "stage/stage.hpp"

namespace bitdarts::stage {
namespace {

struct Parsed {
  config::Command command;
  Failure failure;
};

Parsed parsed(int argc, char** argv, const std::string& name) {
  Parsed result;
  result.failure = failure_of([&] {
    std::vector<std::string> variables;
    for (char** variable = environ; *variable != nullptr; ++variable) variables.emplace_back(*variable);
    result.command = config::parse(name, {argv + 1, argv + argc}, variables);
  });
  return result;
}

// Ranks on other machines may see another environment, or another version of a file: rank 0 decides for all.
config::Config configuration_of_rank_0(const comm::Communicator& world, const Parsed& mine) {
  int code = mine.failure.code;
  world.broadcast_values(std::span(&code, 1));
  const bool good = code == 0;
  const std::string text =
      world.broadcast_text(good && world.root() ? config::to_ini(mine.command.config) : mine.failure.text);
  if (code == static_cast<int>(ExitCode::bad_configuration)) throw ConfigError(text);
  if (!good) throw Error(text);
  return config::from_ini(text, "configuration of rank 0");
}

void check_ranks(const comm::Communicator& world, const config::Config& config) {
  if (config.run.shards % world.size() == 0) return;
  throw ConfigError(
      "the number of MPI ranks does not divide the number of virtual shards",
      "run.shards = " + std::to_string(config.run.shards) + "; ranks = " + std::to_string(world.size()),
      "start 1, 2, 4 ... ranks, at most run.shards");
}

// The variable too: LibTorch and OpenBLAS ask it when they first need a thread.
void use_threads(std::int64_t threads) {
  setenv("OMP_NUM_THREADS", std::to_string(threads).c_str(), 1);
  omp_set_num_threads(static_cast<int>(threads));
}

Console::Terminal terminal_of(const config::RunOptions& run) {
  if (run.progress == "auto") return Console::Terminal::ask;
  return run.progress == "bar" ? Console::Terminal::yes : Console::Terminal::no;
}

// `rank`: as the launcher has it; MPI overwrites that in the environment.
int run_under_mpi(const std::string& name, const std::string& rank, const Parsed& mine,
                  const comm::InterruptWatch& interrupts, const std::function<void(const Context&)>& work) {
  const comm::Communicator world;
  const Failure lost = failure_of([&] { require_one_job(world.size()); });
  if (lost.code != 0) {  // one message, and not that of every process
    if (rank.empty() || rank == "0") say(name, lost);
    return lost.code;
  }
  const Farewell farewell(name);
  const Failure failure = failure_of([&] {
    const config::Config config = configuration_of_rank_0(world, mine);
    check_ranks(world, config);
    use_threads(config.run.threads);
    comm::set_step_patience(config.run.stop_seconds);
    const Console console(world.root(), name, config.run.quiet, terminal_of(config.run));
    const fs::path out = config.run.out;
    work({config, world, interrupts, console, out, config.run.in.empty() ? out : fs::path(config.run.in)});
  });
  return farewell.leave(failure);
}

}  // namespace

int plain_main(int argc, char** argv, const std::string& name,
               const std::function<int(std::vector<std::string>)>& work) {
  int code = 0;
  const Failure failure = failure_of([&] {
    code = work({argv + 1, argv + argc});
    if (!std::cout.flush()) throw Error("cannot write to stdout", "", "look at free space");
  });
  if (failure.code == 0) return code;
  say(name, failure);
  return failure.code;
}

int stage_main(int argc, char** argv, const std::string& name,
               const std::function<void(const Context&)>& work) {
  const Parsed mine = parsed(argc, argv, name);
  choose_environment(argv, name == "tokenize", mine.command.config.run.blas_kernel);
  const std::string rank = rank_before_mpi();
  if (mine.failure.code == 0 && mine.command.action != config::Command::Action::work)
    return plain_main(argc, argv, name, [&](const auto&) {
      if (rank.empty() || rank == "0") std::cout << mine.command.text;
      return 0;
    });
  if (mine.failure.code != 0 && rank.empty()) {
    say(name, mine.failure);
    return mine.failure.code;
  }
  // Around MPI, and while libraries clean up after main: a wish to stop must not kill a rank that is still
  // starting, or one that has saved its state and is leaving.
  const comm::InterruptWatch interrupts(comm::InterruptWatch::Until::process_ends);
  try {
    const comm::MpiSession session(argc, argv);
    return run_under_mpi(name, rank, mine, interrupts, work);
  } catch (const std::exception& error) {
    const Failure failure{error.what(), 1};
    say(name, failure);
    return failure.code;
  }
}

}  // namespace bitdarts::stage
