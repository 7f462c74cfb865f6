#pragma once
#include <chrono>
#include <string>

#include "comm/communicator.hpp"

namespace bitdarts::comm {

/// Work that saves what it has done at the end of a step goes on so long after a signal: short work then ends
/// whole, and a run that is stopped again and again still gets on. run.stop_seconds, of the process.
std::chrono::milliseconds step_patience();
void set_step_patience(double seconds);

/// Was this process asked to stop (see InterruptWatch), and is that at least so long ago?
bool asked_to_stop(std::chrono::milliseconds patience);

/// For boundaries within long work that all ranks pass: throws Interrupted on every rank when one of them was
/// asked to stop step_patience() ago. Collective.
void stop_if_overdue(const Communicator& world);

}  // namespace bitdarts::comm
