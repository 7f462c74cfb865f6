#include "config/option.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>

#include "core/error.hpp"

namespace bitdarts::config {
namespace {

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

constexpr const char* blanks = " \t\r";

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

template <class Number>
bool read_number(std::string text, Number& value) {
  if (text.starts_with('+')) text.erase(0, 1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

bool read_bool(const std::string& text, bool& value) {
  for (const char* yes : {"true", "yes", "on", "1"})
    if (text == yes) return value = true, true;
  for (const char* no : {"false", "no", "off", "0"})
    if (text == no) return value = false, true;
  return false;
}

template <class Number>
std::string printed_number(Number value) {
  std::array<char, 32> buffer{};
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return {buffer.data(), end};
}

// Items are separated by blanks or commas; double quotes hold an item together, a backslash inside them takes
// the next character as it is. False when a quote is left open.
bool split(const std::string& text, std::vector<std::string>& items) {
  std::string item;
  bool quoted = false, begun = false;
  const auto finish = [&] {
    if (begun) items.push_back(item);
    item.clear();
    begun = false;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      quoted = !quoted;
      begun = true;
    } else if (quoted && c == '\\' && i + 1 < text.size()) {
      item += text[++i];
    } else if (!quoted && (c == ',' || std::isspace(static_cast<unsigned char>(c)))) {
      finish();
    } else {
      item += c;
      begun = true;
    }
  }
  finish();
  return !quoted;
}

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}

std::string quoted_item(const std::string& item) {
  const bool plain = !item.empty() && item.find_first_of(" \t,\"#") == std::string::npos;
  return plain ? item : quoted(item);
}

// A whole value needs quotes only where reading it back would lose something.
std::string quoted_value(const std::string& text) {
  const bool plain = trimmed(text) == text && text.find_first_of("\"#") == std::string::npos;
  return plain ? text : quoted(text);
}

bool read_text(const std::string& text, std::string& value) {
  if (!text.starts_with('"')) return value = text, true;
  std::vector<std::string> items;
  if (!split(text, items) || items.size() != 1) return false;
  value = items.front();
  return true;
}

std::string joined(const std::vector<std::string>& items, const std::string& separator) {
  std::string result;
  for (const std::string& item : items) result += (result.empty() ? "" : separator) + item;
  return result;
}

std::string range_in_words(const Rule& rule) {
  std::string words;
  if (std::isfinite(rule.min)) words = (rule.above ? "more than " : "at least ") + printed_number(rule.min);
  if (std::isfinite(rule.max))
    words += (words.empty() ? "" : ", ") + std::string(rule.below ? "less than " : "at most ") +
             printed_number(rule.max);
  return words;
}

std::string number_complaint(const Rule& rule, double value) {
  const bool low = rule.above ? !(value > rule.min) : !(value >= rule.min);
  const bool high = rule.below ? !(value < rule.max) : !(value <= rule.max);
  if (!std::isfinite(value)) return "must be a finite number";
  return low || high ? "must be " + range_in_words(rule) : std::string{};
}

std::string text_complaint(const Rule& rule, const std::string& value) {
  // An INI file could not hold a line break, and a message with control characters helps nobody.
  if (std::any_of(value.begin(), value.end(), [](unsigned char c) { return c < 32 && c != '\t'; }))
    return "must not contain control characters";
  if (!rule.choices.empty() &&
      std::find(rule.choices.begin(), rule.choices.end(), value) == rule.choices.end())
    return "must be one of: " + joined(rule.choices, ", ");
  return rule.check ? rule.check(value) : std::string{};
}

}  // namespace

std::string Option::environment_name() const {
  std::string result = "BITDARTS_" + section + "_" + key;
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return result;
}

void assign(const Option& option, const std::string& raw, const std::string& where) {
  const std::string text = trimmed(raw);
  const auto demand = [&](bool good, const char* wanted) {
    if (!good) throw ConfigError(option.name() + " = " + text + ": expected " + wanted, where);
  };
  std::visit(
      Overloaded{[&](bool* value) { demand(read_bool(text, *value), "true or false"); },
                 [&](std::int64_t* value) { demand(read_number(text, *value), "a whole number"); },
                 [&](double* value) { demand(read_number(text, *value), "a number"); },
                 [&](std::string* value) { demand(read_text(text, *value), "one value, its quotes closed"); },
                 [&](std::vector<std::string>* value) {
                   value->clear();
                   if (text != "\"\"")  // how an empty value is written
                     demand(split(text, *value), "a list, its quotes closed");
                 }},
      option.field);
}

std::string printed(const Option& option) {
  return std::visit(Overloaded{[](const bool* value) { return std::string(*value ? "true" : "false"); },
                               [](const std::int64_t* value) { return printed_number(*value); },
                               [](const double* value) { return printed_number(*value); },
                               [](const std::string* value) { return quoted_value(*value); },
                               [](const std::vector<std::string>* value) {
                                 std::vector<std::string> items;
                                 for (const std::string& item : *value) items.push_back(quoted_item(item));
                                 return joined(items, " ");
                               }},
                    option.field);
}

std::string complaint(const Option& option) {
  const Rule& rule = option.rule;
  return std::visit(Overloaded{[](const bool*) { return std::string{}; },
                               [&](const std::int64_t* value) {
                                 return number_complaint(rule, static_cast<double>(*value));
                               },
                               [&](const double* value) { return number_complaint(rule, *value); },
                               [&](const std::string* value) { return text_complaint(rule, *value); },
                               [&](const std::vector<std::string>* value) {
                                 if (rule.required && value->empty())
                                   return std::string("must name at least one");
                                 for (const std::string& item : *value)
                                   if (std::string wrong = text_complaint(rule, item); !wrong.empty())
                                     return item + " " + wrong;
                                 return std::string{};
                               }},
                    option.field);
}

std::string allowed(const Option& option) {
  if (!option.rule.choices.empty()) return "one of: " + joined(option.rule.choices, ", ");
  if (std::holds_alternative<bool*>(option.field)) return "true or false";
  return range_in_words(option.rule);
}

}  // namespace bitdarts::config
