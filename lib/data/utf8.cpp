#include "data/utf8.hpp"

namespace bitdarts::data {

namespace {

constexpr std::string_view space_mark = "\xE2\x96\x81";  // U+2581

unsigned char byte_at(std::string_view text, std::size_t index) {
  return static_cast<unsigned char>(text[index]);
}

// Length of what SentencePiece gives back unchanged, 0 otherwise.
std::size_t plain_length(std::string_view text) {
  return text.starts_with(space_mark) ? 0 : utf8_length(text);
}

}  // namespace

std::size_t utf8_length(std::string_view text) {
  if (text.empty()) return 0;
  const unsigned char lead = byte_at(text, 0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if (!continues_character(text[i])) return 0;
  }
  const unsigned char second = byte_at(text, 1);
  if (lead == 0xE0 && second < 0xA0) return 0;   // overlong
  if (lead == 0xED && second >= 0xA0) return 0;  // surrogates
  if (lead == 0xF0 && second < 0x90) return 0;   // overlong
  if (lead == 0xF4 && second >= 0x90) return 0;  // above U+10FFFF
  return length;
}

TextRun next_run(std::string_view text) {
  std::size_t end = 0;
  while (end < text.size()) {
    const std::size_t length = byte_at(text, end) < 0x80 ? 1 : plain_length(text.substr(end));
    if (length == 0) break;
    end += length;
  }
  if (end > 0) return {text.substr(0, end), true};
  while (end < text.size() && plain_length(text.substr(end)) == 0) ++end;
  return {text.substr(0, end), false};
}

std::size_t cut_point(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text.size();
  for (std::size_t i = limit; i > limit / 2; --i) {
    if (text[i] == ' ' && text[i - 1] != ' ') return i;
  }
  std::size_t end = limit;
  while (end > 1 && continues_character(text[end])) --end;
  return end;
}

}  // namespace bitdarts::data
