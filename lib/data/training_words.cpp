#include "data/training_words.hpp"

#include <algorithm>
#include <span>

#include "core/hash.hpp"
#include "data/utf8.hpp"

namespace bitdarts::data {
namespace {

void count(auto& counts, std::string_view word) {
  if (const auto known = counts.find(word); known != counts.end())
    ++known->second;
  else
    counts.emplace(word, 1);
}

std::uint64_t characters(std::string_view text) {
  return static_cast<std::uint64_t>(
      std::count_if(text.begin(), text.end(), [](char byte) { return !continues_character(byte); }));
}

// Where the first character stands that the trainer learns nothing from: U+2585 and NUL make it drop the
// whole sentence, and no piece that it makes holds a tab.
std::size_t find_reserved(std::string_view text) {
  constexpr std::string_view beginnings("\0\t\xE2", 3);
  for (std::size_t at = text.find_first_of(beginnings); at < text.size();
       at = text.find_first_of(beginnings, at + 1))
    if (text[at] != '\xE2' || text.substr(at, 3) == "\xE2\x96\x85") return at;
  return text.size();
}

char32_t code_point(std::string_view character) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
  if (character.size() == 1) return byte(0);
  char32_t code = byte(0) & (0xFFu >> (character.size() + 1));
  for (std::size_t i = 1; i < character.size(); ++i) code = code << 6 | (byte(i) & 0x3Fu);
  return code;
}

// Scripts as the trainer tells them apart: it takes the Japanese ones for Han. Not all that there are: of two
// different known ones it is certain that it cuts between them.
enum class Script { unknown, common, latin, greek, cyrillic, han, hangul };
struct ScriptRange {
  char32_t first, last;
  Script script;
};
// https://www.unicode.org/Public/UNIDATA/Scripts.txt
constexpr ScriptRange script_ranges[] = {
    {0x0000, 0x001F, Script::common},   {0x0021, 0x0040, Script::common}, {0x0041, 0x005A, Script::latin},
    {0x005B, 0x0060, Script::common},   {0x0061, 0x007A, Script::latin},  {0x007B, 0x007F, Script::common},
    {0x00C0, 0x00D6, Script::latin},    {0x00D8, 0x00F6, Script::latin},  {0x00F8, 0x024F, Script::latin},
    {0x0391, 0x03A1, Script::greek},    {0x03A3, 0x03CE, Script::greek},  {0x0400, 0x0481, Script::cyrillic},
    {0x048A, 0x0523, Script::cyrillic}, {0x2010, 0x2027, Script::common}, {0x2030, 0x203E, Script::common},
    {0x3000, 0x3004, Script::common},   {0x3008, 0x3020, Script::common}, {0x3041, 0x3096, Script::han},
    {0x30A1, 0x30FA, Script::han},      {0x30FC, 0x30FC, Script::han},    {0x3400, 0x4DB5, Script::han},
    {0x4E00, 0x9FA5, Script::han},      {0xAC00, 0xD7A3, Script::hangul}, {0xFF01, 0xFF20, Script::common},
};

Script script_of(char32_t code) {
  const auto after =
      std::upper_bound(std::begin(script_ranges), std::end(script_ranges), code,
                       [](char32_t left, const ScriptRange& right) { return left < right.first; });
  if (after == std::begin(script_ranges) || code > (after - 1)->last) return Script::unknown;
  return (after - 1)->script;
}

}  // namespace

std::size_t script_length(std::string_view text) {
  Script before = Script::unknown;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text.substr(at, 4));
    if (length == 0) break;  // a character that is cut off
    const Script script = script_of(code_point(text.substr(at, length)));
    if (script != before && script != Script::unknown && before != Script::unknown) return at;
    before = script;
    at += length;
  }
  return text.size();
}

std::uint64_t TrainingWords::sample_characters(std::int64_t vocab_size) {
  constexpr std::uint64_t least = std::uint64_t{1} << 21, per_piece = 256;
  return std::max(least, per_piece * static_cast<std::uint64_t>(vocab_size));
}

void TrainingWords::add(std::string_view document) {
  while (!document.empty()) {
    const TextRun run = next_run(document);
    if (run.plain) add_run(run.text);
    document.remove_prefix(run.text.size());
  }
}

void TrainingWords::add_run(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = find_reserved(text);
    add_plain(text.substr(0, length));
    text.remove_prefix(length);
    if (!text.empty()) text.remove_prefix(utf8_length(text));
  }
}

void TrainingWords::add_plain(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = std::min(text.find(' ', 1), text.size());
    if (length > long_word)
      add_long(text.substr(0, length));
    else
      count(counts_, text.substr(0, length));
    text.remove_prefix(length);
  }
}

void TrainingWords::add_long(std::string_view word) {
  while (!word.empty()) {
    std::size_t length = script_length(word.substr(0, stretch_bytes));
    if (length == stretch_bytes) length = cut_point(word, stretch_bytes);
    add_stretch(word.substr(0, length));
    word.remove_prefix(length);
  }
}

void TrainingWords::add_stretch(std::string_view stretch) {
  if (characters(stretch) <= piece_limit) {
    count(counts_, stretch);
    return;
  }
  if (!drawn(stretch)) return;
  const std::size_t before = sample_.size();
  count(sample_, stretch);
  if (sample_.size() > before) sampled_ += characters(stretch);
  while (sampled_ > room_) {
    ++halvings_;
    std::erase_if(sample_, [&](const auto& entry) {
      const bool goes = !drawn(entry.first);
      if (goes) sampled_ -= characters(entry.first);
      return goes;
    });
  }
}

// The same stretches whatever came before, so that the counts of those that stay are whole.
bool TrainingWords::drawn(std::string_view stretch) const {
  if (halvings_ == 0) return true;
  return Hasher().text(stretch).digest().high >> (64 - halvings_) == 0;
}

std::vector<TrainingWords::Count> TrainingWords::sorted() const {
  std::vector<Count> words(counts_.begin(), counts_.end());
  for (const auto& [stretch, times] : sample_) words.emplace_back(stretch, times << std::min(halvings_, 32));
  std::sort(words.begin(), words.end());
  return words;
}

}  // namespace bitdarts::data
