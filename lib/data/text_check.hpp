#pragma once
#include <cstdint>
#include <filesystem>
#include <string_view>

#include "config/config.hpp"

namespace bitdarts::data {

/// Is the file what its name says? Looks at the first 256 KiB of its text: archives, packed data other than
/// gzip (and gzip by another name), tables and other binary data, UTF-16 and UTF-32, a JSON array or one
/// value over several lines where JSON Lines is expected, and JSON Lines named as plain text are an
/// InputError with file, byte, reason and what to do. Reads nothing further, so that what comes later may
/// still be wrong (TextCounts).
void require_text(const std::filesystem::path& file, const config::DataOptions& options);

/// What is odd in plain text: control characters that no text has (not tab, line ends, form feed, backspace
/// and escape), and bytes that are not well-formed UTF-8.
struct TextCounts {
  static constexpr std::uint64_t none = ~std::uint64_t{0};
  std::uint64_t bytes = 0, controls = 0, malformed = 0;
  std::uint64_t first_control = none, first_malformed = none;  ///< offsets in the file

  void add(std::string_view text, std::uint64_t offset);
  void add(const TextCounts& other);
  /// Compressed data have a tenth of their bytes there, most other formats more; text has none or a few.
  bool binary() const { return controls >= 8 && controls * 20 > bytes; }
};

/// The error for a file that is binary().
[[noreturn]] void refuse_binary(const std::filesystem::path& file, const TextCounts& counts);

}  // namespace bitdarts::data
