#include "report/format.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>

#include "core/error.hpp"

namespace bitdarts::report {
namespace {

const std::string nothing = "-";

std::optional<std::time_t> parsed_time(const std::string& text) {
  std::tm fields{};
  const char* end = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &fields);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return timegm(&fields);
}

}  // namespace

std::string fixed(double value, int decimals) {
  if (!std::isfinite(value)) return nothing;
  char text[400];  // the largest double has 309 digits
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

std::string significant(double value, int digits) {
  if (!std::isfinite(value)) return nothing;
  char text[64];
  std::snprintf(text, sizeof text, "%.*g", digits, value);
  return text;
}

std::string grouped(std::int64_t value) {
  std::string digits = std::to_string(value);
  const std::size_t sign = value < 0 ? 1 : 0;
  for (std::size_t at = digits.size(); at > sign + 3;) digits.insert(at -= 3, ",");
  return digits;
}

std::string byte_size(double bytes) {
  if (!std::isfinite(bytes)) return nothing;
  if (bytes < 1e3) return fixed(bytes, 0) + " B";
  if (bytes < 1e5) return fixed(bytes / 1e3, 1) + " kB";
  if (bytes < 1e9) return fixed(bytes / 1e6, 2) + " MB";
  return fixed(bytes / 1e9, 2) + " GB";
}

std::string percent(double ratio, int decimals) {
  return std::isfinite(ratio) ? fixed(100 * ratio, decimals) + "%" : nothing;
}

std::string signed_percent(double ratio, int decimals) {
  const std::string size = percent(std::abs(ratio), decimals);
  if (!std::isfinite(ratio) || size.find_first_not_of("0.%") == std::string::npos) return size;
  return (ratio < 0 ? "-" : "+") + size;
}

std::string duration(const std::string& started, const std::string& ended) {
  const auto from = parsed_time(started), to = parsed_time(ended);
  if (!from || !to || *to < *from) return {};
  const auto seconds = static_cast<std::int64_t>(*to - *from);
  const auto part = [](std::int64_t value, const char* unit) { return std::to_string(value) + unit; };
  if (seconds < 60) return part(seconds, " s");
  if (seconds < 3600) return part(seconds / 60, " min ") + part(seconds % 60, " s");
  return part(seconds / 3600, " h ") + part(seconds % 3600 / 60, " min");
}

std::size_t display_width(const std::string& text) {
  // Continuation bytes of UTF-8 begin with the bits 10.
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](unsigned char byte) { return (byte & 0xC0) != 0x80; }));
}

namespace {

// The first `left` columns to the left.
std::string drawn_table(const TextTable& table, std::size_t left) {
  std::vector<std::vector<std::string>> lines{table.header};
  lines.insert(lines.end(), table.rows.begin(), table.rows.end());
  std::vector<std::size_t> widths(table.header.size(), 0);
  for (const auto& line : lines) {
    if (line.size() != widths.size()) throw Error("a row of a table has not as many cells as its header");
    for (std::size_t c = 0; c < line.size(); ++c) widths[c] = std::max(widths[c], display_width(line[c]));
  }
  std::string text;
  for (const auto& line : lines) {
    std::string drawn;
    for (std::size_t c = 0; c < line.size(); ++c) {
      const std::string filling(widths[c] - display_width(line[c]), ' ');
      drawn += (c > 0 ? "  " : "") + (c < left ? line[c] + filling : filling + line[c]);
    }
    drawn.erase(drawn.find_last_not_of(' ') + 1);
    text += drawn + "\n";
  }
  return text;
}

}  // namespace

std::string aligned(const TextTable& table) { return drawn_table(table, 1); }
std::string left_aligned(const TextTable& table) { return drawn_table(table, table.header.size()); }

}  // namespace bitdarts::report
