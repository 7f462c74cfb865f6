#pragma once
#include <string>
#include <utility>
#include <vector>

#include "config/config.hpp"

namespace bitdarts::sweep {

/// One run of a sweep: a combination of values, as a configuration.
struct Task {
  std::string id;         ///< a readable slug and a short hash: a function of the swept options' values alone
  std::string name;       ///< of its line in an explicit list; else empty
  bool baseline = false;  ///< of report.baselines, not of the sweep itself
  std::vector<std::pair<std::string, std::string>> settings;  ///< swept key -> value as it was written
  std::vector<std::pair<std::string, std::string>> options;   ///< the options that they stand for -> value
  std::vector<std::string> overrides;  ///< "--search.budget=w4a8": what stages are given
  config::Config config;
};

/// Every task of the sweep, in the order of its lines (the last axis runs fastest), then every scheme of
/// config::baselines_of() under every combination that bears on it; that of a strategy is a task with
/// search.strategy. Options that bear on nothing that a task makes
/// (the budget of a search that it does not need) are no part of it, and combinations that differ in nothing
/// else are one task. ConfigError, naming the values, when a combination is impossible or there is none, or
/// finetune.scheme takes what is no task's own (a strategy, best).
std::vector<Task> expand(const config::Sweep& sweep, const config::Config& base);

/// ConfigError where a task's scheme is a file that cannot be read or is no table, the misspelt name of a
/// strategy among them: to be known before the first task has searched (pipeline::check_scheme_file).
void check_schemes(const std::vector<Task>& tasks);

/// Does the option change what is made for this configuration?
bool bears_on(const std::string& option, const config::Config& config);

/// The swept keys in pipeline order, of all tasks: the columns of a table of them.
std::vector<std::string> swept_keys(const std::vector<Task>& tasks);
/// The task's value of a swept key; empty when it has none.
std::string value_of(const Task& task, const std::string& key);

}  // namespace bitdarts::sweep
