#pragma once
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "catch.hpp"
#include "config/config.hpp"
#include "core/error.hpp"
#include "scratch_directory.hpp"

namespace config_test {

/// An INI file that is gone after the test.
class TemporaryIni {
 public:
  explicit TemporaryIni(const std::string& text) { std::ofstream(path()) << text; }
  std::string path() const { return (folder_ / "test.ini").string(); }

 private:
  ScratchDirectory folder_;
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
