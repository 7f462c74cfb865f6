#include "config/ini.hpp"

#include <algorithm>
#include <fstream>

#include "config/nearest.hpp"
#include "config/options_table.hpp"
#include "config/scheme_word.hpp"
#include "core/error.hpp"

// Boost.Program_options reads INI files too, but forgets the line of each value, and an error without a line
// is half an error.

namespace bitdarts::config {
namespace {

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

// "key = value" of `section`.
Setting read_setting(const std::string& text, const std::string& section, const std::string& where) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    throw ConfigError("neither [section] nor key = value: " + text, where);
  const std::string key = trimmed(text.substr(0, equals));
  if (section.empty()) throw ConfigError(key + " stands before the first [section]", where);
  return {section + "." + key, trimmed(text.substr(equals + 1)), where};
}

}  // namespace

std::vector<Setting> read_ini(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file || std::filesystem::is_directory(path))
    throw ConfigError("the configuration file cannot be read", path.string(),
                      "check the path after --config");
  return read_ini(file, path.string());
}

std::vector<Setting> read_ini(std::istream& file, const std::string& name) {
  std::vector<Setting> settings;
  std::string section, line;
  for (int number = 1; std::getline(file, line); ++number) {
    const std::string where = name + ":" + std::to_string(number);
    if (number == 1 && line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);  // some editors mark UTF-8
    const std::string text = without_comment(line);
    if (text.empty()) continue;
    if (text.starts_with('[') && text.ends_with(']')) {
      section = trimmed(text.substr(1, text.size() - 2));
      check_section(section, where);
      continue;
    }
    Setting setting = read_setting(text, section, where);
    for (const Setting& earlier : settings)
      if (earlier.name == setting.name)
        throw ConfigError(setting.name + " is given twice", earlier.where + " and " + where,
                          "remove one of them");
    settings.push_back(std::move(setting));
  }
  if (file.bad()) throw ConfigError("the configuration cannot be read to its end", name);
  return settings;
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
