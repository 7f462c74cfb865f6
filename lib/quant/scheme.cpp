#include "quant/scheme.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

#include "config/nearest.hpp"
#include "config/syntax.hpp"
#include "core/error.hpp"
#include "quant/table_syntax.hpp"

namespace bitdarts::quant {
namespace {

const std::string shorthand_prefix = "uniform:";
const char* const shorthand_remedy =
    "write uniform:METHOD:wXaY, as in uniform:lsq+:w4a8, with METHOD lsq+, pact or uniform and widths 2 to "
    "16 or 32";

std::string nearest(const std::string& name, const std::vector<LayerShape>& layers) {
  return std::min_element(layers.begin(), layers.end(),
                          [&](const LayerShape& left, const LayerShape& right) {
                            return config::edit_distance(name, left.name) <
                                   config::edit_distance(name, right.name);
                          })
      ->name;
}

// '*' any characters, '?' one. Only the last star ever needs another try, so that many stars cost no more
// than one.
bool matches(std::string_view pattern, std::string_view name) {
  std::size_t p = 0, n = 0, after_star = std::string_view::npos, retry = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      after_star = ++p;
      retry = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p;
      ++n;
    } else if (after_star != std::string_view::npos) {
      p = after_star;
      n = ++retry;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

std::vector<std::string> words_of(std::string line) {
  line.resize(std::min(line.size(), line.find('#')));
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

// layer (or pattern), weight, input.
SchemeEntry entry_of(const std::vector<std::string>& words, const std::string& where) {
  if (words.size() != 3)
    throw ConfigError("a scheme line has three columns, this one has " + std::to_string(words.size()), where,
                      "write: layer weight-candidate input-candidate");
  return {words[0], parse_candidate(words[1], where), parse_candidate(words[2], where)};
}

// use(words, line, where) for every line that says something.
template <class Use>
void each_line(const std::string& text, const std::string& where, const Use& use) {
  std::istringstream stream(text);
  std::string line;
  for (int number = 1; std::getline(stream, line); ++number) {
    const auto words = words_of(line);
    if (!words.empty()) use(words, number, where + ":" + std::to_string(number));
  }
}

// The table while it is read: what each layer got, and from which line.
struct Reading {
  const std::vector<LayerShape>& layers;
  std::vector<std::optional<SchemeEntry>> entries;
  std::vector<int> lines;
};

void apply(Reading& reading, const std::vector<std::string>& words, int line, const std::string& where) {
  const auto [pattern, weight, input] = entry_of(words, where);
  int earlier_line = 0;
  bool decided = false;
  for (std::size_t l = 0; l < reading.layers.size(); ++l) {
    if (!matches(pattern, reading.layers[l].name)) continue;
    if (reading.entries[l]) {
      earlier_line = reading.lines[l];
      continue;
    }
    reading.entries[l] = SchemeEntry{reading.layers[l].name, weight, input};
    reading.lines[l] = line;
    decided = true;
  }
  if (decided) return;
  if (earlier_line > 0)
    throw ConfigError("line for '" + pattern + "' has no effect: line " + std::to_string(earlier_line) +
                          " has decided already",
                      where, "the first match wins: put single layers before patterns");
  if (pattern.find_first_of("*?") != std::string::npos)
    throw ConfigError("no layer matches '" + pattern + "'", where);
  throw ConfigError("unknown layer '" + pattern + "'", where,
                    "the nearest name is '" + nearest(pattern, reading.layers) + "'");
}

}  // namespace

std::string to_table(const Scheme& scheme) {
  std::size_t layer_width = std::string("# layer").size(), weight_width = std::string("weight").size();
  for (const auto& entry : scheme.entries) {
    layer_width = std::max(layer_width, entry.layer.size());
    weight_width = std::max(weight_width, to_string(entry.weight).size());
  }
  std::string table;
  const auto line = [&](std::string layer, std::string weight, const std::string& input) {
    layer.resize(layer_width, ' ');
    weight.resize(weight_width, ' ');
    table += layer + "  " + weight + "  " + input + "\n";
  };
  line("# layer", "weight", "input");
  for (const auto& entry : scheme.entries) line(entry.layer, to_string(entry.weight), to_string(entry.input));
  return table;
}

void check_table(const std::string& text, const std::string& where) {
  if (parse_rows(text, where).entries.empty())
    throw ConfigError("the scheme table has no line", where, "write: layer weight-candidate input-candidate");
}

Scheme parse_table(const std::string& text, const std::vector<LayerShape>& layers, const std::string& where) {
  if (layers.empty()) throw Error("a scheme needs layers");
  Reading reading{layers, std::vector<std::optional<SchemeEntry>>(layers.size()),
                  std::vector<int>(layers.size())};
  each_line(text, where,
            [&](const auto& words, int line, const std::string& at) { apply(reading, words, line, at); });
  Scheme scheme;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    if (!reading.entries[l])
      throw ConfigError("the scheme says nothing about layer '" + layers[l].name + "'", where,
                        "add a line for it, or a last line with '*' for all the rest");
    scheme.entries.push_back(*reading.entries[l]);
  }
  return scheme;
}

Scheme parse_rows(const std::string& text, const std::string& where) {
  Scheme scheme;
  each_line(text, where, [&](const auto& words, int, const std::string& at) {
    scheme.entries.push_back(entry_of(words, at));
  });
  return scheme;
}

bool is_uniform_shorthand(const std::string& text) { return config::is_uniform_scheme(text); }

Scheme parse_uniform(const std::string& text, const std::vector<LayerShape>& layers) {
  const auto refuse = [&](const std::string& why) -> ConfigError {
    return ConfigError("the uniform scheme '" + text + "' " + why, {}, shorthand_remedy);
  };
  if (!is_uniform_shorthand(text)) throw refuse("does not begin with 'uniform:'");
  const auto colon = text.find(':', shorthand_prefix.size());
  if (colon == std::string::npos) throw refuse("has no widths");
  const std::string method = text.substr(shorthand_prefix.size(), colon - shorthand_prefix.size());
  const std::string widths = text.substr(colon + 1);
  const auto middle = widths.find('a');
  if (!widths.starts_with('w') || middle == std::string::npos) throw refuse("has no widths");
  const auto candidate = [&](const std::string& bits) {
    const std::string where = "the uniform scheme '" + text + "'";
    parse_candidate(method + ":8", where);  // an unknown method is an error at 32 bits too
    return parse_candidate(bits == "32" ? "fp32" : method + ":" + bits, where);
  };
  const Candidate weight = candidate(widths.substr(1, middle - 1)),
                  input = candidate(widths.substr(middle + 1));
  Scheme scheme;
  for (const auto& layer : layers) scheme.entries.push_back({layer.name, weight, input});
  return scheme;
}

}  // namespace bitdarts::quant
