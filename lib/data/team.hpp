#pragma once
#include "comm/communicator.hpp"
#include "comm/interruptible.hpp"
#include "core/console.hpp"

namespace bitdarts::data {

/// Who works together on the text, and how they are heard.
struct Team {
  const comm::Communicator& world;
  const Console& console;
};

/// Runs `work(poll)` on every rank; a signal to one of them ends it on all with Interrupted, for `work` calls
/// `poll` at least once a second. Collective.
template <class Work>
void work_together(const Team& team, Work&& work) {
  comm::interruptible(team.world, std::chrono::milliseconds(0), "interrupted; nothing is published yet",
                      std::forward<Work>(work));
}

}  // namespace bitdarts::data
