#pragma once
#include <string>
#include <vector>

namespace bitdarts::report {

/// Comma-separated values by RFC 4180 (lines end with \n): a header, then rows; cells are quoted where they
/// need it.
class Csv {
 public:
  explicit Csv(const std::vector<std::string>& header);
  /// Error when it has not as many cells as the header.
  void row(const std::vector<std::string>& cells);
  const std::string& text() const { return text_; }
  bool empty() const { return rows_ == 0; }

 private:
  void write(const std::vector<std::string>& cells);
  std::string text_;
  std::size_t columns_, rows_ = 0;
};

/// A number with as many digits as it takes to read it back exactly; empty for what is not finite.
std::string csv_number(double value);

}  // namespace bitdarts::report
