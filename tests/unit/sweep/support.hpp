#pragma once
#include <stdlib.h>

#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <string>

#include "config/config.hpp"
#include "config/ini.hpp"
#include "core/error.hpp"
#include "sweep/tasks.hpp"

namespace sweep_test {

using namespace bitdarts;

/// A folder for one test.
class Scratch {
 public:
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "bitdarts-sweep-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make " + name);
    path = name;
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::filesystem::path path;
};

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
