#pragma once
#include <string>

namespace bitdarts::quant {

/// What can be said of a scheme table (parse_table) before the model is known, hours before it is used: the
/// columns of each line, and their candidates. ConfigError with `where` and line; so is a table without
/// lines.
void check_table(const std::string& text, const std::string& where);

}  // namespace bitdarts::quant
