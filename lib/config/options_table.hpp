#pragma once
#include <string>
#include <vector>

#include "config/option.hpp"

namespace bitdarts::config {

/// The one declaration of every option, bound to the fields of `config`, in pipeline order.
std::vector<Option> options_table(Config& config);

/// Sections in pipeline order with one line about each.
struct Section {
  std::string name, about;
};
std::vector<Section> sections();

/// The option called "section.key", or nullptr.
const Option* find_option(const std::vector<Option>& table, const std::string& name);

}  // namespace bitdarts::config
