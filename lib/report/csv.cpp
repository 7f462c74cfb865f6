#include "report/csv.hpp"

#include <array>
#include <charconv>
#include <cmath>

#include "core/error.hpp"

namespace bitdarts::report {

Csv::Csv(const std::vector<std::string>& header) : columns_(header.size()) { write(header); }

void Csv::row(const std::vector<std::string>& cells) {
  if (cells.size() != columns_) throw Error("a CSV row has not as many cells as its header");
  write(cells);
  ++rows_;
}

void Csv::write(const std::vector<std::string>& cells) {
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) text_ += ',';
    if (cells[i].find_first_of(",\"\r\n") == std::string::npos) {
      text_ += cells[i];
      continue;
    }
    text_ += '"';
    for (const char c : cells[i]) text_ += c == '"' ? std::string("\"\"") : std::string(1, c);
    text_ += '"';
  }
  text_ += '\n';
}

std::string csv_number(double value) {
  if (!std::isfinite(value)) return {};
  std::array<char, 40> text;
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

}  // namespace bitdarts::report
