#include "comm/interrupt.hpp"

#include <algorithm>
#include <atomic>
#include <ctime>

#include "comm/stop.hpp"
#include "core/error.hpp"

namespace bitdarts::comm {
namespace {

constexpr std::array watched = {SIGTERM, SIGINT, SIGUSR1, SIGUSR2};

// Lock-free, so that a signal handler may store to it and another thread may read it.
std::atomic<bool> raised{false};
static_assert(std::atomic<bool>::is_always_lock_free);
std::atomic<std::int64_t> raised_at{0};  // [ns], of the first signal
static_assert(std::atomic<std::int64_t>::is_always_lock_free);

std::int64_t now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);  // one of the few functions that a signal handler may call
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

std::atomic<std::int64_t> patience{3000};  // [ms]

extern "C" void raise_flag(int) {
  if (raised.load()) return;
  raised_at.store(now());
  raised.store(true);
}

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

std::chrono::milliseconds step_patience() { return std::chrono::milliseconds(patience.load()); }
void set_step_patience(double seconds) {
  constexpr double most = 1e9;  // of a clock that counts nanoseconds
  patience.store(static_cast<std::int64_t>(1000 * std::min(seconds, most)));
}

bool asked_to_stop(std::chrono::milliseconds patience) {
  return raised.load() && now() - raised_at.load() >= std::chrono::nanoseconds(patience).count();
}

void stop_if_overdue(const Communicator& world) {
  if (world.max(asked_to_stop(step_patience()) ? 1 : 0) == 0) return;
  throw Interrupted("interrupted before there was something to save", {}, "run the same command again");
}

bool InterruptWatch::raised_here() const { return raised.load(); }

bool InterruptWatch::raised_anywhere(const Communicator& world) const {
  return world.max(raised_here() ? 1 : 0) > 0;
}

}  // namespace bitdarts::comm
