#pragma once
#include <mpi.h>

#include <array>
#include <chrono>
#include <exception>
#include <string>

#include "comm/communicator.hpp"
#include "comm/stop.hpp"

namespace bitdarts::comm {

/// Lets ranks that work each for itself end together when one of them is asked to stop: while they work they
/// go on exchanging, without waiting for each other, whether a signal came.
class StopPoll {
 public:
  /// A signal counts `patience` after it came. `what` is what the error says.
  StopPoll(const Communicator& world, std::chrono::milliseconds patience, std::string what);
  StopPoll(const StopPoll&) = delete;
  StopPoll& operator=(const StopPoll&) = delete;

  /// To be called at least once a second while a rank works; costs a look at the clock. Throws Interrupted,
  /// on every rank, when one of them was asked to stop.
  void operator()();
  /// This rank has done its work, or failed: returns when all have, or throws Interrupted. Collective.
  void finish();

 private:
  bool advance();  // is there news?
  [[noreturn]] void stop() const;

  using Clock = std::chrono::steady_clock;
  const Communicator& world_;
  std::chrono::milliseconds patience_;
  std::string what_;
  Clock::time_point looked_ = Clock::now();
  MPI_Request request_ = MPI_REQUEST_NULL;
  bool busy_ = true, posted_ = false, settled_ = false;
  std::array<int, 2> mine_{}, all_{};  // asked to stop, busy
};

/// Runs `work(poll)` on every rank, with together's promise about failures and StopPoll's about signals,
/// which come first. `work` must not call anything collective. Collective.
template <class Work>
void interruptible(const Communicator& world, std::chrono::milliseconds patience, const std::string& what,
                   Work&& work) {
  StopPoll poll(world, patience, what);
  std::exception_ptr failure;
  try {
    work(poll);
  } catch (...) {
    failure = std::current_exception();
  }
  poll.finish();
  together(world, [&] {
    if (failure) std::rethrow_exception(failure);
  });
}

}  // namespace bitdarts::comm
