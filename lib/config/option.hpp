#pragma once
#include <cstdint>
#include <limits>
#include <string>
#include <variant>
#include <vector>

#include "config/config.hpp"

namespace bitdarts::config {

/// Where an option's value lives. The type decides how text is read and written.
using Field = std::variant<bool*, std::int64_t*, double*, std::string*, std::vector<std::string>*>;

/// What is allowed. Numbers: a range, its ends included unless `above`/`below`. Text: one of `choices`, or
/// whatever `check` accepts (it returns what is wrong, or nothing); for lists both apply to every item.
struct Rule {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  bool above = false, below = false;
  std::vector<std::string> choices{};
  std::string (*check)(const std::string& text) = nullptr;
  bool required = false;  ///< a list may not be empty
};

/// One option: everything that help, INI files, the command line, validation and keys need to know about it.
struct Option {
  std::string section, key;
  Field field;
  std::string unit;  ///< may be empty
  std::string help;
  Rule rule{};
  bool changes_result = true;  ///< part of a product's key
  bool added_later = false;    ///< empty, it leaves a key as it was before there was this option
  bool short_form = false;     ///< --key is accepted for --section.key

  std::string name() const { return section + "." + key; }
  std::string environment_name() const;  ///< BITDARTS_SECTION_KEY
};

/// Reads `text` into the option's field. ConfigError with `where` when it has the wrong type.
void assign(const Option& option, const std::string& text, const std::string& where);
/// The value as assign() reads it back to the same bits; empty text is an empty value.
std::string printed(const Option& option);
/// What is wrong with the present value by the option's own rule; empty when nothing is.
std::string complaint(const Option& option);
/// The rule in words ("at least 1", "one of: first, second"); empty when everything is allowed.
std::string allowed(const Option& option);

}  // namespace bitdarts::config
