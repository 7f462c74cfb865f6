#include "stage/farewell.hpp"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <thread>

#include "core/error.hpp"
#include "core/plain_message.hpp"

namespace bitdarts::stage {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

// Long enough for ranks that fail by agreement to arrive, short enough for a person. Ranks differ, so that of
// several that fail alone one speaks first, and its abort silences the rest.
Clock::duration patience(int rank) { return 4s + (rank % 32) * 200ms; }

}  // namespace

Failure failure_of(const std::function<void()>& work) {
  try {
    work();
    return {};
  } catch (const Error& error) {
    return {error.what(), static_cast<int>(error.exit_code())};
  } catch (const std::exception& error) {
    return {plain_message(error), static_cast<int>(ExitCode::failure)};
  } catch (...) {
    return {"an exception of unknown type", static_cast<int>(ExitCode::failure)};
  }
}

void say(const std::string& stage, const Failure& failure) {
  const bool wrong = failure.code != static_cast<int>(ExitCode::interrupted);
  // A progress bar may stand on the line.
  const std::string line = std::string(isatty(STDERR_FILENO) == 1 ? "\r\033[K" : "") + stage +
                           (wrong ? ": error: " : ": ") + failure.text + "\n";
  std::fwrite(line.data(), 1, line.size(), stderr);
  std::fflush(stderr);
}

Farewell::Farewell(std::string stage) : stage_(std::move(stage)) {}

int Farewell::leave(const Failure& failure) const {
  MPI_Request arrival = MPI_REQUEST_NULL;
  BITDARTS_MPI(MPI_Ibarrier(meeting_.handle(), &arrival));
  const auto deadline = Clock::now() + patience(meeting_.rank());
  for (int all_here = 0;;) {
    BITDARTS_MPI(MPI_Test(&arrival, &all_here, MPI_STATUS_IGNORE));
    if (all_here) break;
    if (failure.code != 0 && Clock::now() > deadline) {
      const std::string place =
          "\n  rank:  " + std::to_string(meeting_.rank()) + " of " + std::to_string(meeting_.size());
      say(stage_, {failure.text + place, failure.code});
      MPI_Abort(MPI_COMM_WORLD, failure.code);
    }
    std::this_thread::sleep_for(2ms);
  }
  const Failure verdict = worst(failure);
  if (verdict.code != 0 && meeting_.root()) say(stage_, verdict);
  return verdict.code;
}

// That of the lowest rank that failed; its number is told when it was not a verdict of all.
Failure Farewell::worst(const Failure& mine) const {
  const int size = meeting_.size();
  const std::int64_t failed = meeting_.sum(mine.code != 0 ? 1 : 0);
  if (failed == 0) return {};
  const auto first = static_cast<int>(size - meeting_.max(mine.code != 0 ? size - meeting_.rank() : 0));
  int code = mine.code;
  meeting_.broadcast_values(std::span(&code, 1), first);
  std::string text = meeting_.broadcast_text(mine.text, first);
  if (failed < size) text += "\n  rank:  " + std::to_string(first) + " of " + std::to_string(size);
  return {text, code};
}

}  // namespace bitdarts::stage
