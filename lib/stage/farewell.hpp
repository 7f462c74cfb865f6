#pragma once
#include <functional>
#include <string>

#include "comm/communicator.hpp"

namespace bitdarts::stage {

/// How a rank's work ended; code 0: well.
struct Failure {
  std::string text;
  int code = 0;
};

/// Runs `work` and turns whatever it throws into a Failure.
Failure failure_of(const std::function<void()>& work);

/// "search: error: <text>" on stderr.
void say(const std::string& stage, const Failure& failure);

/// The end of a parallel program. Ranks meet here, each with its verdict; when all came, rank 0 prints one
/// message and all end with one code. A rank that failed alone does not meet the others, which wait for it in
/// some collective call: after a few seconds it prints its message itself and aborts the job with its exit
/// code.
class Farewell {
 public:
  explicit Farewell(std::string stage);
  /// The exit code of the process. Collective, with the exception above.
  int leave(const Failure& failure) const;

 private:
  Failure worst(const Failure& mine) const;
  std::string stage_;
  comm::Communicator
      meeting_;  ///< used for nothing else, so that no call of the work can be mistaken for the last
};

}  // namespace bitdarts::stage
