#include "comm/interrupt.hpp"

#include <atomic>

namespace bitdarts::comm {
namespace {

constexpr std::array watched = {SIGTERM, SIGINT, SIGUSR1, SIGUSR2};

// Lock-free, so that a signal handler may store to it and another thread may read it.
std::atomic<bool> raised{false};
static_assert(std::atomic<bool>::is_always_lock_free);

extern "C" void raise_flag(int) { raised.store(true); }

}  // namespace

InterruptWatch::InterruptWatch(Until until) : until_(until) {
  raised.store(false);
  struct sigaction action {};
  action.sa_handler = raise_flag;
  action.sa_flags = SA_RESTART;  // a read or write under way is none of the signal's business
  sigemptyset(&action.sa_mask);
  for (std::size_t i = 0; i < watched.size(); ++i) sigaction(watched[i], &action, &before_[i]);
}

InterruptWatch::~InterruptWatch() {
  if (until_ == Until::process_ends) return;
  for (std::size_t i = 0; i < watched.size(); ++i) sigaction(watched[i], &before_[i], nullptr);
}

bool InterruptWatch::raised_here() const { return raised.load(); }

bool InterruptWatch::raised_anywhere(const Communicator& world) const {
  return world.max(raised_here() ? 1 : 0) > 0;
}

}  // namespace bitdarts::comm
