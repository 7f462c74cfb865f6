#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"

namespace bitdarts::config {

/// Values that are impossible together, or one that is impossible by itself.
struct Problem {
  std::string what;
  std::vector<std::string> options;  ///< the names involved
  std::string remedy;
};

/// The first thing wrong with the values, or nullopt.
std::optional<Problem> find_problem(const Config& config);

/// Throws it as a ConfigError that names each value and, where `origins` (name -> where) knows it, its
/// origin.
[[noreturn]] void raise(const Problem& problem, const Config& config,
                        const std::map<std::string, std::string>& origins);

}  // namespace bitdarts::config
