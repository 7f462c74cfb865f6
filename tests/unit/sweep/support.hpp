#pragma once
#include <filesystem>
#include <sstream>
#include <string>

#include "config/config.hpp"
#include "config/ini.hpp"
#include "core/error.hpp"
#include "scratch_directory.hpp"
#include "sweep/tasks.hpp"

namespace sweep_test {

using namespace bitdarts;

using Scratch = ScratchDirectory;

/// The sweep of these lines.
inline config::Sweep sweep_of(const std::string& lines) {
  std::istringstream text("[sweep]\n" + lines);
  auto settings = config::read_ini(text, "test");
  for (auto& setting : settings) setting.name.erase(0, std::string("sweep.").size());
  return config::read_sweep(settings);
}

inline std::vector<sweep::Task> tasks_of(const std::string& lines, const config::Config& base = {}) {
  return sweep::expand(sweep_of(lines), base);
}

/// The message of the ConfigError.
template <class Work>
std::string complaint_of(Work&& work) {
  try {
    work();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

}  // namespace sweep_test
