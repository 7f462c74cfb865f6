#pragma once
#include <cstddef>
#include <string_view>

namespace bitdarts::data {

/// Bytes of the well-formed UTF-8 character at the start of `text` (1 to 4), or 0 when there is none:
/// surrogates, overlong forms, code points above U+10FFFF and cut-off sequences are not well formed.
std::size_t utf8_length(std::string_view text);

/// A stretch of text that SentencePiece can be given as it is, or one that it cannot.
struct TextRun {
  std::string_view text;
  bool plain = true;  ///< well-formed UTF-8 without U+2581, the mark that SentencePiece writes for a space
};
/// The longest run at the start of `text` (not empty).
TextRun next_run(std::string_view text);

/// Does a character go on with this byte?
inline bool continues_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

/// Where to cut well-formed UTF-8 so that the first part has at most `limit` (>= 8) bytes: before a space
/// that follows something else, where few SentencePiece merges reach across; in text without spaces, between
/// two characters.
std::size_t cut_point(std::string_view text, std::size_t limit);

}  // namespace bitdarts::data
