#include "comm/interruptible.hpp"

#include <thread>
#include <utility>

#include "core/error.hpp"

namespace bitdarts::comm {

using namespace std::chrono_literals;

StopPoll::StopPoll(const Communicator& world, std::chrono::milliseconds patience, std::string what)
    : world_(world), patience_(patience), what_(std::move(what)) {}

// The exchange goes in rounds. Every rank sees the same sequence of results, and so all leave after the same
// round: the one that says stop, or the one in which nobody was busy.
bool StopPoll::advance() {
  if (!posted_) {
    mine_ = {asked_to_stop(patience_) ? 1 : 0, busy_ ? 1 : 0};
    BITDARTS_MPI(MPI_Iallreduce(mine_.data(), all_.data(), 2, MPI_INT, MPI_MAX, world_.handle(), &request_));
    posted_ = true;
  }
  int complete = 0;
  BITDARTS_MPI(MPI_Test(&request_, &complete, MPI_STATUS_IGNORE));
  if (complete) {
    posted_ = false;
    settled_ = all_[0] != 0 || all_[1] == 0;
  }
  return complete != 0;
}

void StopPoll::stop() const { throw Interrupted(what_, {}, "run the same command again"); }

void StopPoll::operator()() {
  const auto now = Clock::now();
  if (settled_ || now - looked_ < 100ms) return;
  looked_ = now;
  if (advance() && settled_) stop();
}

void StopPoll::finish() {
  busy_ = false;
  // Short work ends at once on all ranks; who waits long leaves the processor to those who work.
  for (int looks = 0; !settled_; ++looks) {
    if (!advance() && looks > 1000) std::this_thread::sleep_for(1ms);
  }
  if (all_[0] != 0) stop();
}

}  // namespace bitdarts::comm
