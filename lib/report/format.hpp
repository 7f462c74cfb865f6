#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace bitdarts::report {

/// "3.125" with so many decimals; "-" for what is not a number.
std::string fixed(double value, int decimals);
/// "0.003125", as many digits as asked for where they are needed; "-" for what is not a number.
std::string significant(double value, int digits);
/// "1,234,567".
std::string grouped(std::int64_t value);
/// "2.75 MB" of 10^6 bytes (kB and GB where they read better).
std::string byte_size(double bytes);
/// A ratio as "3.13%".
std::string percent(double ratio, int decimals = 2);
/// "+3.13%", "-0.20%"; without a sign what rounds to zero.
std::string signed_percent(double ratio, int decimals = 2);
/// "42 s", "3 min 5 s", "2 h 10 min" between two ISO 8601 UTC times; empty when either is not one.
std::string duration(const std::string& started, const std::string& ended);

/// Characters that a terminal shows for UTF-8 text (code points; no combining marks are expected here).
std::size_t display_width(const std::string& text);

/// Rows of text under a header.
struct TextTable {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
};
/// The table as lines of aligned columns, two blanks apart, the first to the left and the others to the
/// right; no blanks at the end of a line. Error when a row has not as many cells as the header.
std::string aligned(const TextTable& table);
/// The same with every column to the left: for words.
std::string left_aligned(const TextTable& table);

}  // namespace bitdarts::report
