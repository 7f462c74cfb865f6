#pragma once
#include <filesystem>
#include <istream>
#include <string>
#include <vector>

namespace bitdarts::config {

/// One value as somebody wrote it, and where: "pipelines/quickstart.ini:12", "command line".
struct Setting {
  std::string name;  ///< "section.key"
  std::string value;
  std::string where;
};

/// The settings of an INI file in order. A line "include = FILE" before the first section stands for the
/// settings of that file, whose path is relative to the including one; what the including file itself says
/// comes before it, and of several the last. ConfigError, with file and line, when it cannot be read or
/// includes itself.
/// "#" or ";" at the start of a line, and "#" after a blank, begin a
/// comment (not inside double quotes). ConfigError for an unreadable file, a line that is neither section nor
/// key, an unknown section, a key before any section, a key given twice.
std::vector<Setting> read_ini(const std::filesystem::path& path);
/// The same from a stream that `name` stands for in messages, which includes nothing.
std::vector<Setting> read_ini(std::istream& file, const std::string& name);

}  // namespace bitdarts::config
