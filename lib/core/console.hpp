#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace bitdarts {

/// Where a stage speaks: results on stdout, everything else on stderr. Only rank 0 speaks.
class Console {
 public:
  /// Is there a terminal at the other end of stderr? `ask` looks at stderr itself; under a launcher such as
  /// mpirun stderr is a pipe even when its end is a terminal, and then the one who knows says so.
  enum class Terminal { ask, yes, no };
  /// `speaks` is false on every rank but 0. `quiet` silences notes and progress, never warnings.
  explicit Console(bool speaks, std::string stage = {}, bool quiet = false,
                   Terminal terminal = Terminal::ask);
  /// "search: <text>" on stderr.
  void note(const std::string& text) const;
  /// "search: warning: <text>" on stderr.
  void warn(const std::string& text) const;
  /// Plain text on stdout (a result).
  void result(const std::string& text) const;
  bool speaks() const { return speaks_; }
  bool quiet() const { return quiet_; }
  bool terminal() const { return terminal_; }  ///< does stderr end at a terminal?
  const std::string& stage() const { return stage_; }

 private:
  bool speaks_, quiet_, terminal_;
  std::string stage_;
};

/// A bar with step, values, rate and time left on a terminal; elsewhere one plain line every so often
/// (first and last step always, else every `plain_seconds`).
class Progress {
 public:
  Progress(const Console& console, std::string what, std::int64_t total, std::int64_t start = 0,
           double plain_seconds = 15.0);
  ~Progress();
  struct Value {
    std::string name;
    double value;
  };
  /// `units_done`: work since the start of this process, in `unit` (tokens, bytes), for the rate.
  void update(std::int64_t step, const std::vector<Value>& values, double units_done,
              const std::string& unit);
  void finish();

 private:
  const Console& console_;
  std::string what_;
  std::int64_t total_, start_;
  double plain_seconds_;
  std::chrono::steady_clock::time_point began_, last_;
  bool drawn_ = false;
};

}  // namespace bitdarts
