#include "config/ini.hpp"

#include <algorithm>
#include <fstream>
#include <optional>

#include "config/nearest.hpp"
#include "config/options_table.hpp"
#include "config/scheme_word.hpp"
#include "core/byte_order_mark.hpp"
#include "core/error.hpp"

// Boost.Program_options reads INI files too, but forgets the line of each value, and an error without a line
// is half an error.

namespace bitdarts::config {
namespace {

namespace fs = std::filesystem;

constexpr const char* include_key = "include";

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::string without_comment(const std::string& line) {
  const std::string text = trimmed(line);
  if (text.starts_with(';') || text.starts_with('#')) return {};
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == '#' && !quoted && (text[i - 1] == ' ' || text[i - 1] == '\t')) {
      return trimmed(text.substr(0, i));
    }
  }
  return text;
}

void check_section(const std::string& name, const std::string& where) {
  std::vector<std::string> names;
  for (const Section& section : sections()) names.push_back(section.name);
  if (std::find(names.begin(), names.end(), name) != names.end()) return;
  std::string all = "sections are:";
  for (const std::string& one : names) all += " [" + one + "]";
  throw ConfigError("unknown section [" + name + "]", where, suggestion(name, names, all));
}

bool is_readable(const fs::path& path) {
  std::error_code absent;
  return std::ifstream(path).good() && !fs::is_directory(path, absent);
}

// Of a line "include = FILE"; nullopt for any other.
std::optional<std::string> value_of_include(const std::string& text, const std::string& section,
                                            const std::string& where) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || trimmed(text.substr(0, equals)) != include_key) return std::nullopt;
  if (!section.empty())
    throw ConfigError("include stands in [" + section + "]", where, "put it before the first [section]");
  return trimmed(text.substr(equals + 1));
}

// "key = value" of `section`.
Setting read_setting(const std::string& text, const std::string& section, const std::string& where) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    throw ConfigError("neither [section] nor key = value: " + text, where);
  const std::string key = trimmed(text.substr(0, equals));
  if (section.empty())
    throw ConfigError(key + " stands before the first [section]", where,
                      std::string("only ") + include_key + " = FILE does");
  return {section + "." + key, trimmed(text.substr(equals + 1)), where};
}

// Files that are being read, each included by the one before it.
using Stack = std::vector<fs::path>;

std::vector<Setting> read_file(const fs::path& path, const Stack& above);

std::string included_file(const std::string& value, const std::string& where) {
  std::string file;
  Option option{.section = "", .key = include_key, .field = &file, .unit = {}, .help = {}};
  assign(option, value, where);
  if (file.empty()) throw ConfigError("include names no file", where, "write include = FILE");
  return file;
}

std::vector<Setting> included(const std::string& file, const std::string& where, const Stack& above) {
  const fs::path path = above.back().parent_path() / file;
  std::string chain;
  for (const fs::path& one : above) {
    std::error_code absent;
    chain += one.string() + " -> ";
    if (fs::equivalent(one, path, absent))
      throw ConfigError("the file includes itself: " + chain + path.string(), where, "remove this include");
  }
  if (!is_readable(path))
    throw ConfigError("the included file cannot be read: " + path.string(), where,
                      "its path is relative to the file that includes it");
  return read_file(path, above);
}

// A later setting stands in place of an earlier one from another file.
void put(std::vector<Setting>& settings, Setting setting) {
  const auto same = [&](const Setting& earlier) { return earlier.name == setting.name; };
  const auto at = std::find_if(settings.begin(), settings.end(), same);
  if (at == settings.end())
    settings.push_back(std::move(setting));
  else
    *at = std::move(setting);
}

std::vector<Setting> read_stream(std::istream& file, const std::string& name, const Stack& stack) {
  std::vector<Setting> settings, own;
  std::string section, line;
  for (int number = 1; std::getline(file, line); ++number) {
    const std::string where = name + ":" + std::to_string(number);
    if (number == 1 && begins_as_utf16(line))
      throw ConfigError("the configuration is UTF-16, and must be UTF-8", where,
                        "save it as UTF-8, or convert it: iconv -f UTF-16 -t UTF-8 FILE > NEW");
    if (number == 1 && line.starts_with(byte_order_mark)) line.erase(0, byte_order_mark.size());
    const std::string text = without_comment(line);
    if (text.empty()) continue;
    if (text.starts_with('[') && text.ends_with(']')) {
      section = trimmed(text.substr(1, text.size() - 2));
      check_section(section, where);
      continue;
    }
    if (const auto value = value_of_include(text, section, where); value) {
      if (stack.empty()) throw ConfigError("only a file can include another one", where);
      for (Setting& setting : included(included_file(*value, where), where, stack))
        put(settings, std::move(setting));
      continue;
    }
    Setting setting = read_setting(text, section, where);
    for (const Setting& earlier : own)
      if (earlier.name == setting.name)
        throw ConfigError(setting.name + " is given twice", earlier.where + " and " + where,
                          "remove one of them");
    own.push_back(std::move(setting));
  }
  if (file.bad()) throw ConfigError("the configuration cannot be read to its end", name);
  for (Setting& setting : own) put(settings, std::move(setting));
  return settings;
}

std::vector<Setting> read_file(const fs::path& path, const Stack& above) {
  std::ifstream file(path);
  Stack stack = above;
  stack.push_back(path);
  return read_stream(file, path.string(), stack);
}

}  // namespace

std::vector<Setting> read_ini(const std::filesystem::path& path) {
  if (!is_readable(path))
    throw ConfigError("the configuration file cannot be read", path.string(),
                      "check the path after --config");
  return read_file(path, {});
}

std::vector<Setting> read_ini(std::istream& file, const std::string& name) {
  return read_stream(file, name, {});
}

std::string to_ini(const Config& config) {
  Config copy = config;
  std::string result, section;
  for (const Option& option : options_table(copy)) {
    if (option.section != section) result += (section.empty() ? "[" : "\n[") + option.section + "]\n";
    section = option.section;
    const std::string value = printed(option);
    result += option.key + (value.empty() ? " =" : " = " + value) + "\n";
  }
  return result;
}

std::string result_options(const Config& config, const std::vector<std::string>& wanted) {
  Config copy = config;
  // Of a strategy that nobody knows, an error elsewhere, all options count.
  const Strategy strategy = read_strategy(config.search.strategy).value_or(Strategy{});
  std::vector<std::string> lines;
  for (const Option& option : options_table(copy))
    if (option.changes_result && !(option.added_later && printed(option).empty()) &&
        bears_on_strategy(option.name(), strategy) &&
        std::find(wanted.begin(), wanted.end(), option.section) != wanted.end())
      lines.push_back(option.name() + " = " + printed(option) + "\n");
  // Sorted, so that moving an option within the table changes no key.
  std::sort(lines.begin(), lines.end());
  std::string result;
  for (const std::string& line : lines) result += line;
  return result;
}

}  // namespace bitdarts::config
