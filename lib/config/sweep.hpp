#pragma once
#include <string>
#include <vector>

namespace bitdarts::config {

struct Setting;

// The [sweep] section of a pipeline: many runs from one file. Each line is an axis, and the tasks are all
// combinations of their values:
//   search.budget = w4a8 | w3a3          values are separated by |
//   run.seed = 1..3                      whole numbers: 1..3 is 1 | 2 | 3, 0..8..4 is 0 | 4 | 8
//   candidates = all | lsq-only | 4-8    weights and activations at once; see candidate_sets.hpp
//   task.NAME = run.seed=7 search.order=second    an explicit list; all task lines together are one axis

/// One option, or "candidates", at one value.
struct SweepSetting {
  std::string key;    ///< "search.budget"
  std::string value;  ///< as printed() prints it; of candidates: as it was written
};

/// What one value of an axis, or one task line, sets.
struct SweepPoint {
  std::string name;  ///< NAME of a task line; else empty
  std::vector<SweepSetting> settings;
  std::string where;
};

struct SweepAxis {
  std::string key;  ///< "search.budget", or "task"
  std::vector<SweepPoint> points;
};

struct Sweep {
  std::vector<SweepAxis> axes;
  std::string text;  ///< the section as an INI file has it, without "[sweep]"
  bool empty() const { return axes.empty(); }
};

/// The key that stands for both candidate options.
inline constexpr const char* both_candidates = "candidates";

/// Reads the lines of the section, names without "sweep.". ConfigError, with the place, for an unknown option
/// (the nearest one is named), one that changes no result, a value that is wrong by itself, a value or an
/// option given twice.
Sweep read_sweep(const std::vector<Setting>& lines);

/// The options that a key of the section stands for.
std::vector<std::string> options_of(const std::string& key);

}  // namespace bitdarts::config
