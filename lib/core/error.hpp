#pragma once
#include <stdexcept>
#include <string>

namespace bitdarts {

/// What a stage tells the shell or the batch system when it ends.
enum class ExitCode : int {
  done = 0,               ///< finished, or already up to date
  failure = 1,            ///< anything not named below
  bad_configuration = 2,  ///< an option, or a combination of options, is wrong
  bad_input = 3,          ///< an input file is missing, damaged or does not fit
  interrupted = 75        ///< stopped on request, checkpointed: run the same command again
};

/// The base of every error that bitdarts throws. `what()` reads
/// "<what>\n  where: <where>\n  try:   <remedy>", the parts that are empty left out.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& what, const std::string& where = {}, const std::string& remedy = {},
                 ExitCode code = ExitCode::failure);
  ExitCode exit_code() const noexcept { return code_; }

 private:
  ExitCode code_;
};

/// A wrong option or combination of options (exit 2).
class ConfigError : public Error {
 public:
  explicit ConfigError(const std::string& what, const std::string& where = {}, const std::string& remedy = {})
      : Error(what, where, remedy, ExitCode::bad_configuration) {}
};

/// A missing, damaged or unsuitable input (exit 3).
class InputError : public Error {
 public:
  explicit InputError(const std::string& what, const std::string& where = {}, const std::string& remedy = {})
      : Error(what, where, remedy, ExitCode::bad_input) {}
};

/// The run was asked to stop, has saved its state, and wants to be started again (exit 75).
class Interrupted : public Error {
 public:
  explicit Interrupted(const std::string& what, const std::string& where = {}, const std::string& remedy = {})
      : Error(what, where, remedy, ExitCode::interrupted) {}
};

}  // namespace bitdarts
