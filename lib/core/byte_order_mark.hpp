#pragma once
#include <string_view>

namespace bitdarts {

/// What some editors put before a text in UTF-8; it is no part of the text.
inline constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

/// Does a text begin with the mark of UTF-16 (or UTF-32), as those that Windows calls "Unicode" do?
inline bool begins_as_utf16(std::string_view text) {
  return text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF");
}

}  // namespace bitdarts
