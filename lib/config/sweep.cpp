#include "config/sweep.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "config/candidate_sets.hpp"
#include "config/ini.hpp"
#include "config/nearest.hpp"
#include "config/options_table.hpp"
#include "core/error.hpp"

namespace bitdarts::config {
namespace {

constexpr const char* task_prefix = "task.";
constexpr std::size_t most_points = 100000;  // more is a slip of the pen

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

// The parts between separators that stand outside double quotes.
template <class IsSeparator>
std::vector<std::string> parts_of(const std::string& text, IsSeparator is_separator) {
  std::vector<std::string> parts(1);
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (!quoted && is_separator(text[i])) {
      parts.emplace_back();
      continue;
    }
    if (quoted && text[i] == '\\' && i + 1 < text.size()) parts.back() += text[i++];
    parts.back() += text[i];
  }
  return parts;
}

// "1..3" or "0..8..4" of a whole-number option, as values; nullopt when the text is no range.
std::optional<std::vector<std::string>> read_range(const std::string& text, const std::string& where) {
  const auto first = text.find("..");
  if (first == std::string::npos) return std::nullopt;
  const auto second = text.find("..", first + 2);
  std::int64_t begin = 0, end = 0, step = 1;
  const auto read = [&](const std::string& part, std::int64_t& value) {
    const auto [stopped, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    return error == std::errc{} && stopped == part.data() + part.size();
  };
  const bool has_step = second != std::string::npos;
  const bool good = read(text.substr(0, first), begin) &&
                    read(text.substr(first + 2, has_step ? second - first - 2 : std::string::npos), end) &&
                    (!has_step || read(text.substr(second + 2), step));
  if (!good || step < 1 || end < begin)
    throw ConfigError(text + " is no range", where, "write FIRST..LAST or FIRST..LAST..STEP, rising");
  if (static_cast<std::uint64_t>(end - begin) / static_cast<std::uint64_t>(step) >= most_points)
    throw ConfigError("the range " + text + " has too many values", where);
  std::vector<std::string> values;
  for (std::int64_t value = begin; value <= end; value += step) values.push_back(std::to_string(value));
  return values;
}

class Reader {
 public:
  Reader() : table_(options_table(scratch_)) {}

  SweepAxis axis(const Setting& line) {
    SweepAxis axis{line.name, {}};
    const bool whole = is_whole_number(known(line.name, line.where));
    for (const std::string& part : parts_of(line.value, [](char c) { return c == '|'; })) {
      const std::string text = trimmed(part);
      if (text.empty())
        throw ConfigError("sweep." + line.name + " has an empty value", line.where,
                          "separate values by |; the empty text is written \"\"");
      const auto range = whole ? read_range(text, line.where) : std::nullopt;
      for (const std::string& value : range ? *range : std::vector<std::string>{text})
        add(axis, {{}, {setting(line.name, value, line.where)}, line.where});
    }
    return axis;
  }

  SweepPoint task(const Setting& line) {
    SweepPoint point{line.name.substr(std::string(task_prefix).size()), {}, line.where};
    if (point.name.empty() || point.name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW"
                                                           "XYZ0123456789._+-") != std::string::npos)
      throw ConfigError("sweep." + line.name + " has no good name", line.where,
                        "write task.NAME = section.key=value ..., the NAME of letters, digits and ._+-");
    for (std::string word : parts_of(line.value, [](char c) { return c == ' ' || c == '\t'; })) {
      if (word.empty()) continue;
      if (word.starts_with("--")) word.erase(0, 2);
      // The quotes may be around the whole word or around the value.
      if (word.starts_with('"') && word.ends_with('"') && word.size() > 1)
        word = word.substr(1, word.size() - 2);
      const auto equals = word.find('=');
      if (equals == std::string::npos || equals == 0)
        throw ConfigError("sweep." + line.name + ": " + word + " is no section.key=value", line.where,
                          "a value with blanks stands in quotes: \"section.key=one two\"");
      const std::string key = word.substr(0, equals);
      known(key, line.where);
      for (const SweepSetting& earlier : point.settings) refuse_overlap(earlier.key, key, line);
      std::string value = word.substr(equals + 1);
      const bool list = std::holds_alternative<std::vector<std::string>*>(find(key)->field);
      if (list && value.starts_with('"') && value.ends_with('"') && value.find('"', 1) == value.size() - 1)
        value = value.substr(1, value.size() - 2);  // the quotes held the word together, not an item
      point.settings.push_back(setting(key, value, line.where));
    }
    if (point.settings.empty())
      throw ConfigError("sweep." + line.name + " sets nothing", line.where, "write section.key=value ...");
    return point;
  }

  // `candidates` stands for two options.
  static void refuse_overlap(const std::string& a, const std::string& b, const Setting& line) {
    for (const std::string& one : options_of(a))
      for (const std::string& other : options_of(b))
        if (one == other)
          throw ConfigError("the sweep sets " + one + " twice, by " + a + " and by " + b, line.where,
                            "remove one of them");
  }

  static void add(SweepAxis& axis, SweepPoint point) {
    const auto text = [](const SweepPoint& one) {
      std::set<std::string> settings;
      for (const SweepSetting& setting : one.settings) settings.insert(setting.key + " = " + setting.value);
      return settings;
    };
    for (const SweepPoint& earlier : axis.points) {
      if (text(earlier) != text(point)) continue;
      if (!point.name.empty())
        throw ConfigError("task." + earlier.name + " and task." + point.name + " are the same", point.where,
                          "remove one of them");
      throw ConfigError("sweep." + axis.key + " has the value " + point.settings.front().value + " twice",
                        point.where, "remove one of them");
    }
    axis.points.push_back(std::move(point));
    if (axis.points.size() > most_points)
      throw ConfigError("sweep." + axis.key + " has too many values", axis.points.back().where);
  }

 private:
  const Option* find(const std::string& key) const { return find_option(table_, options_of(key).front()); }

  static bool is_whole_number(const Option& option) {
    return std::holds_alternative<std::int64_t*>(option.field);
  }

  const Option& known(const std::string& key, const std::string& where) const {
    const Option* option = find(key);
    if (option == nullptr) {
      std::vector<std::string> names{both_candidates};
      for (const Option& one : table_)
        if (one.changes_result) names.push_back(one.name());
      throw ConfigError("unknown option " + key + " in [sweep]", where,
                        suggestion(key, names, "see --help for all of them, and --help=sweep"));
    }
    if (!option->changes_result || option->section == "report")
      throw ConfigError(key + " cannot be swept: no task's result depends on it", where);
    return *option;
  }

  // The value as the option reads it, or a ConfigError that says what is wrong with it.
  SweepSetting setting(const std::string& key, const std::string& value, const std::string& where) {
    const Option& option = known(key, where);
    const bool candidates = options_of(key).size() > 1 || option.key.ends_with("_candidates");
    std::string wrong;
    if (candidates) {
      wrong = candidate_set_complaint(value);
    } else {
      assign(option, value, where);
      wrong = complaint(option);
    }
    if (!wrong.empty()) throw ConfigError("sweep: " + key + " = " + value + ": " + wrong, where);
    return {key, candidates ? value : printed(option)};
  }

  Config scratch_;
  std::vector<Option> table_;
};

}  // namespace

std::vector<std::string> options_of(const std::string& key) {
  if (key == both_candidates) return {"search.weight_candidates", "search.activation_candidates"};
  return {key};
}

Sweep read_sweep(const std::vector<Setting>& lines) {
  Sweep sweep;
  Reader reader;
  SweepAxis tasks{"task", {}};
  for (const Setting& line : lines) {
    sweep.text += line.name + " = " + line.value + "\n";
    if (line.name.starts_with(task_prefix)) {
      Reader::add(tasks, reader.task(line));
    } else {
      for (const SweepAxis& earlier : sweep.axes) Reader::refuse_overlap(earlier.key, line.name, line);
      sweep.axes.push_back(reader.axis(line));
    }
  }
  for (const SweepPoint& task : tasks.points)
    for (const SweepAxis& axis : sweep.axes)
      for (const SweepSetting& setting : task.settings)
        Reader::refuse_overlap(axis.key, setting.key, {"", "", task.where});
  if (!tasks.points.empty()) sweep.axes.insert(sweep.axes.begin(), std::move(tasks));
  return sweep;
}

}  // namespace bitdarts::config
