#include "core/available_memory.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>
#include <string>

namespace bitdarts {
namespace {

namespace fs = std::filesystem;

constexpr double unlimited = std::numeric_limits<double>::infinity();

// The first number after `name` at the beginning of a line; of a file with a number alone, name is empty.
std::optional<double> number_in(const fs::path& path, const std::string& name = "") {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.compare(0, name.size(), name) != 0) continue;
    std::istringstream rest(line.substr(name.size()));
    double value = 0;
    if (rest >> value) return value;  // "max" is none
  }
  return std::nullopt;
}

constexpr double kilobyte = 1024;

double swap_of_system(const fs::path& root) {
  return kilobyte * number_in(root / "proc/meminfo", "SwapFree:").value_or(0);
}

double of_system(const fs::path& root) {
  const auto available = number_in(root / "proc/meminfo", "MemAvailable:");
  return available ? kilobyte * *available + swap_of_system(root) : unlimited;
}

// What one group's limit leaves, with what it may swap of the `swap` that there is. What it holds of files
// gives way.
double left_by(const fs::path& group, double swap) {
  if (const auto most =
          number_in(group / "memory.max")) {  // version 2; no number in memory.swap.max: no limit
    const auto limit = fs::exists(group / "memory.swap.max")
                           ? number_in(group / "memory.swap.max").value_or(unlimited)
                           : 0.0;
    return *most + std::min(limit, swap) - number_in(group / "memory.stat", "anon ").value_or(0);
  }
  if (const auto most = number_in(group / "memory.limit_in_bytes")) {  // version 1; memsw: memory and swap
    const double both = number_in(group / "memory.memsw.limit_in_bytes").value_or(*most);
    return *most + std::min(std::max(both - *most, 0.0), swap) -
           number_in(group / "memory.stat", "total_rss ").value_or(0);
  }
  return unlimited;
}

// The group itself and all above it, down from the mount point.
double left_by_all(fs::path at, const fs::path& below, double swap) {
  double left = left_by(at, swap);
  for (const fs::path& part : below.relative_path()) left = std::min(left, left_by(at /= part, swap));
  return left;
}

}  // namespace

double available_memory(const fs::path& root) {
  double available = of_system(root);
  const double swap = swap_of_system(root);
  std::ifstream groups(root / "proc/self/cgroup");  // "0::/user/job", "9:memory:/job"
  for (std::string line; std::getline(groups, line);) {
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const fs::path group = line.substr(second + 1);
    if (controllers == ",,")
      available = std::min(available, left_by_all(root / "sys/fs/cgroup", group, swap));
    if (controllers.find(",memory,") != std::string::npos)
      available = std::min(available, left_by_all(root / "sys/fs/cgroup/memory", group, swap));
  }
  return std::max(available, 0.0);
}

double address_space_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return unlimited;
  return static_cast<double>(limit.rlim_cur);
}

}  // namespace bitdarts
