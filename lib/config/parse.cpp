#include <algorithm>
#include <boost/program_options.hpp>
#include <map>
#include <optional>
#include <sstream>

#include "config/config.hpp"
#include "config/help.hpp"
#include "config/ini.hpp"
#include "config/nearest.hpp"
#include "config/options_table.hpp"
#include "config/problem.hpp"
#include "config/syntax.hpp"
#include "core/build_info.hpp"
#include "core/error.hpp"

namespace bitdarts::config {
namespace {

namespace po = boost::program_options;
using Table = std::vector<Option>;
using Origins = std::map<std::string, std::string>;

struct CommandLine {
  Command::Action action = Command::Action::work;
  std::string help_section;
  std::optional<std::string> file;
  std::vector<Setting> settings, sweep;
};

constexpr const char* sweep_prefix = "sweep.";

// Values stay text here: assign() reads them, whichever way they came.
po::options_description declared(const Table& table) {
  po::options_description all;
  const auto flag = [] { return po::value<std::string>()->implicit_value("true"); };
  all.add_options()("config", po::value<std::string>(), "")(
      "help,h", po::value<std::string>()->implicit_value(""), "")("print-config", flag(), "")("version",
                                                                                              flag(), "");
  for (const Option& option : table) {
    const bool is_flag = std::holds_alternative<bool*>(option.field);
    for (const std::string& name : {option.name(), option.short_form ? option.key : std::string{}})
      if (!name.empty()) all.add_options()(name.c_str(), is_flag ? flag() : po::value<std::string>(), "");
  }
  return all;
}

[[noreturn]] void raise_unknown(const std::string& name, const std::string& where,
                                const std::vector<std::string>& names) {
  throw ConfigError("unknown option " + name, where, suggestion(name, names, "see --help for all of them"));
}

std::vector<std::string> names_on_the_command_line(const Table& table) {
  std::vector<std::string> names{"config", "help", "print-config", "version"};
  for (const Option& option : table) {
    names.push_back(option.name());
    if (option.short_form) names.push_back(option.key);
  }
  return names;
}

// "--help search" as well as "--help=search".
std::vector<std::string> with_help_joined(std::vector<std::string> arguments) {
  for (std::size_t i = 0; i + 1 < arguments.size(); ++i)
    if (arguments[i] == "--help" && !arguments[i + 1].starts_with('-')) {
      arguments[i] += "=" + arguments[i + 1];
      arguments.erase(arguments.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    }
  return arguments;
}

// Boost refuses "--search.budget=", which is how an empty value is written.
std::vector<po::option> empty_value(std::vector<std::string>& arguments) {
  const std::string& first = arguments.front();
  if (!first.starts_with("--") || first.find('=') != first.size() - 1) return {};
  po::option option;
  option.string_key = first.substr(2, first.size() - 3);
  option.value = {""};
  option.original_tokens = {first};
  arguments.erase(arguments.begin());
  return {option};
}

po::parsed_options taken_apart(const Table& table, const std::vector<std::string>& arguments) {
  const po::options_description all = declared(table);
  const auto style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
  try {
    return po::command_line_parser(with_help_joined(arguments))
        .options(all)
        .style(style)
        .extra_style_parser(empty_value)
        .allow_unregistered()
        .run();
  } catch (const po::error& error) {
    throw ConfigError(error.what(), "command line", "options are written --section.key=value; see --help");
  }
}

CommandLine read_command_line(const Table& table, const std::vector<std::string>& arguments) {
  CommandLine line;
  for (const po::option& option : taken_apart(table, arguments).options) {
    std::string name = option.string_key;
    if (option.position_key >= 0)
      throw ConfigError("unexpected argument " + option.value.front(), "command line",
                        "options are written --section.key=value");
    while (option.unregistered && name.starts_with('-')) name.erase(0, 1);
    if (name.starts_with(sweep_prefix)) {
      if (option.value.empty())
        throw ConfigError("--" + name + " has no values", "command line", "write --" + name + "='A | B'");
      line.sweep.push_back({name, option.value.front(), "command line"});
      continue;
    }
    // "--out --force": the next option is no value. One that begins so is written --out=VALUE.
    if (option.original_tokens.size() > 1 && looks_like_an_option(option.original_tokens[1]))
      throw ConfigError(
          "--" + name + " needs a value, and " + option.original_tokens[1] + " is another option",
          "command line", "write --" + name + "=VALUE");
    if (option.unregistered) {
      raise_unknown(name, "command line", names_on_the_command_line(table));
    }
    const std::string implied = name == "help" ? "" : "true";  // a flag without a value
    const std::string value = option.value.empty() ? implied : option.value.front();
    if (name == "help") {
      line.action = Command::Action::print_help;
      line.help_section = value;
    } else if (name == "print-config") {
      line.action = Command::Action::print_config;
    } else if (name == "version") {
      line.action = Command::Action::print_version;
    } else if (name == "config") {
      if (line.file)
        throw ConfigError("--config is given twice", "command line", "one file describes a pipeline");
      line.file = value;
    } else {
      if (name.find('.') == std::string::npos) name = "run." + name;
      line.settings.push_back({name, value, "command line"});
    }
  }
  return line;
}

std::vector<Setting> read_environment(const Table& table, const std::vector<std::string>& environment) {
  std::vector<Setting> settings;
  for (const std::string& variable : environment) {
    const auto equals = variable.find('=');
    if (!variable.starts_with("BITDARTS_") || equals == std::string::npos) continue;
    const std::string name = variable.substr(0, equals);
    const std::string where = "environment variable " + name;
    std::vector<std::string> names;
    std::string found;
    for (const Option& option : table) {
      names.push_back(option.environment_name());
      if (names.back() == name) found = option.name();
    }
    if (found.empty()) {
      std::vector<std::string>
          same_key;  // as suggestion() looks for, where an underscore parts section and key
      for (const Option& option : table)
        if (name.ends_with(option.environment_name().substr(("BITDARTS_" + option.section).size())))
          same_key.push_back(option.environment_name());
      if (same_key.size() == 1)
        throw ConfigError("unknown option " + name, "environment", "did you mean " + same_key.front() + "?");
      raise_unknown(name, "environment", names);
    }
    settings.push_back({found, variable.substr(equals + 1), where});
  }
  return settings;
}

void apply(const Table& table, const std::vector<Setting>& settings, Origins& origins) {
  for (const Setting& setting : settings) {
    const Option* option = find_option(table, setting.name);
    if (option == nullptr) {
      std::vector<std::string> names;
      for (const Option& known : table) names.push_back(known.name());
      raise_unknown(setting.name, setting.where, names);
    }
    assign(*option, setting.value, setting.where);
    if (const std::string wrong = complaint(*option); !wrong.empty())
      throw ConfigError(setting.name + " = " + setting.value + ": " + wrong, setting.where);
    origins[setting.name] = setting.where;
  }
}

// Takes the lines of [sweep] out of the settings of a file; a line of the command line stands in place of one
// with the same key.
Sweep sweep_of(std::vector<Setting>& settings, const std::vector<Setting>& on_the_command_line) {
  std::vector<Setting> lines;
  for (const Setting& setting : settings)
    if (setting.name.starts_with(sweep_prefix)) lines.push_back(setting);
  std::erase_if(settings, [](const Setting& setting) { return setting.name.starts_with(sweep_prefix); });
  for (const Setting& line : on_the_command_line) {
    const auto same = [&](const Setting& earlier) { return earlier.name == line.name; };
    if (const auto at = std::find_if(lines.begin(), lines.end(), same); at != lines.end())
      *at = line;
    else
      lines.push_back(line);
  }
  for (Setting& line : lines) line.name.erase(0, std::string(sweep_prefix).size());
  return read_sweep(lines);
}

std::string version_text(const std::string& stage) {
  const BuildInfo build = build_info();
  return "bitdarts-" + stage + " " + build.version + " (git " + build.git_revision + ", " + build.compiler +
         ", " + build.build_type + ")\n";
}

}  // namespace

Command parse(const std::string& stage, const std::vector<std::string>& arguments,
              const std::vector<std::string>& environment) {
  Command command;
  const Table table = options_table(command.config);
  const CommandLine line = read_command_line(table, arguments);
  command.action = line.action;
  if (line.action == Command::Action::print_help) command.text = help(stage, line.help_section);
  if (line.action == Command::Action::print_version) command.text = version_text(stage);
  if (!command.text.empty()) return command;

  Origins origins;
  std::vector<Setting> in_file;
  if (line.file) in_file = read_ini(*line.file);
  command.sweep = sweep_of(in_file, line.sweep);
  apply(table, in_file, origins);
  apply(table, read_environment(table, environment), origins);
  apply(table, line.settings, origins);
  if (const auto problem = find_problem(command.config)) raise(*problem, command.config, origins);
  if (line.action == Command::Action::print_config) command.text = to_ini(command.config);
  return command;
}

namespace {

Config from_settings(const std::vector<Setting>& settings) {
  Config config;
  Origins origins;
  apply(options_table(config), settings, origins);
  if (const auto problem = find_problem(config)) raise(*problem, config, origins);
  return config;
}

// Options by the names that products of earlier builds record; an empty one has no successor.
std::string name_today(const std::string& name) {
  static const std::map<std::string, std::string> successors{
      {"search.spend", ""},
      {"search.weight_scale", "quantizer.weight_scale"},
      {"search.quantize_head", "quantizer.quantize_head"},
      {"search.tie", "quantizer.tie"},
      {"search.clip_decay", "quantizer.clip_decay"},
      {"search.calibration_sequences", "quantizer.calibration_sequences"}};
  const auto found = successors.find(name);
  return found == successors.end() ? name : found->second;
}

}  // namespace

Config from_ini(const std::string& text, const std::string& where) {
  std::istringstream stream(text);
  return from_settings(read_ini(stream, where));
}

Config from_product(const std::string& text, const std::string& where) {
  std::istringstream stream(text);
  auto settings = read_ini(stream, where);
  for (Setting& setting : settings) setting.name = name_today(setting.name);
  std::erase_if(settings, [](const Setting& setting) { return setting.name.empty(); });
  return from_settings(settings);
}

}  // namespace bitdarts::config
