#pragma once
#include <array>
#include <csignal>

#include "comm/communicator.hpp"

namespace bitdarts::comm {

/// Installs handlers for SIGTERM, SIGINT, SIGUSR1 and SIGUSR2 that only set a flag; restores the old ones on
/// destruction, or leaves them until the process has ended: who asks again, until it has, must not kill it
/// in the moment between. (The flag is the one piece of static state in bitdarts: a signal handler can reach
/// nothing else.)
class InterruptWatch {
 public:
  enum class Until { destroyed, process_ends };
  explicit InterruptWatch(Until until = Until::destroyed);
  ~InterruptWatch();
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;
  /// Has this process received a signal?
  bool raised_here() const;
  /// Has any rank? Collective: call it at the same step boundary on every rank.
  bool raised_anywhere(const Communicator& world) const;

 private:
  Until until_;
  std::array<struct sigaction, 4> before_{};
};

}  // namespace bitdarts::comm
