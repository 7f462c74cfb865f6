#pragma once
#include <string>

namespace bitdarts {

/// What this program was built from, fixed at compile time.
struct BuildInfo {
  std::string version;       ///< 0.1.0
  std::string git_revision;  ///< short hash, "+" when the tree had changes, "unknown" outside git
  std::string compiler;
  std::string build_type;
};
BuildInfo build_info();

}  // namespace bitdarts
