#pragma once
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "catch.hpp"
#include "config/config.hpp"
#include "core/error.hpp"

namespace config_test {

namespace fs = std::filesystem;

/// An INI file that is gone after the test.
class TemporaryIni {
 public:
  explicit TemporaryIni(const std::string& text)
      : path_(fs::temp_directory_path() /
              ("bitdarts-config-test-" + std::to_string(reinterpret_cast<std::uintptr_t>(this)) + ".ini")) {
    std::ofstream(path_) << text;
  }
  ~TemporaryIni() { fs::remove(path_); }
  TemporaryIni(const TemporaryIni&) = delete;
  TemporaryIni& operator=(const TemporaryIni&) = delete;
  std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

inline bitdarts::config::Command parse(const std::vector<std::string>& arguments,
                                       const std::vector<std::string>& environment = {}) {
  return bitdarts::config::parse("search", arguments, environment);
}

/// The message of the ConfigError that `arguments` give; empty when they are accepted.
inline std::string complaint_about(const std::vector<std::string>& arguments,
                                   const std::vector<std::string>& environment = {}) {
  try {
    parse(arguments, environment);
  } catch (const bitdarts::ConfigError& error) {
    return error.what();
  }
  return {};
}

inline std::string complaint_about_ini(const std::string& text) {
  const TemporaryIni ini(text);
  return complaint_about({"--config", ini.path()});
}

}  // namespace config_test
