#pragma once
#include <bitset>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "data/utf8.hpp"

namespace bitdarts::data {

/// Where a text may be cut so that byte-pair encoding gives its parts the tokens that it gives the whole:
/// every merge makes a piece of the vocabulary, so none reaches across two bytes that stand side by side in
/// no piece. Those who train models forbid pieces across words, scripts and numbers; what lies between two
/// cuts is much like a word.
class WordSplitter {
 public:
  void add_piece(std::string_view piece) {
    for (std::size_t i = 1; i < piece.size(); ++i) joined_.set(pair(piece[i - 1], piece[i]));
  }
  /// Bytes (> 0) of well-formed UTF-8 before the first cut, or all of them.
  std::size_t word_length(std::string_view text) const {
    for (std::size_t i = 1; i < text.size(); ++i) {
      if (!joined_.test(pair(text[i - 1], text[i])) && !continues_character(text[i])) return i;
    }
    return text.size();
  }

 private:
  static std::size_t pair(char left, char right) {
    return std::size_t{256} * static_cast<unsigned char>(left) + static_cast<unsigned char>(right);
  }
  std::bitset<256 * 256> joined_;
};

/// Of a table of words that is asked for words that lie in a text.
struct WordHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view word) const { return std::hash<std::string_view>()(word); }
};

/// The tokens of words that were met before: text repeats its words, and a look-up costs a tenth of their
/// encoding. Bounded: when it is full it starts over, with the words of the text at hand.
class WordCache {
 public:
  static constexpr std::size_t word_bytes = 64;  ///< longer words seldom come again
  static constexpr std::size_t capacity = std::size_t{1} << 17;

  /// Valid until the next insert.
  std::optional<std::span<const std::int32_t>> find(std::string_view word) const {
    const auto found = places_.find(word);
    if (found == places_.end()) return std::nullopt;
    return std::span(tokens_).subspan(found->second.begin, found->second.count);
  }

  void insert(std::string_view word, std::span<const std::int32_t> tokens) {
    if (word.size() > word_bytes) return;
    if (places_.size() == capacity) {
      places_.clear();
      tokens_.clear();
    }
    const Place place{static_cast<std::uint32_t>(tokens_.size()), static_cast<std::uint32_t>(tokens.size())};
    if (places_.emplace(word, place).second) tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
  }

 private:
  struct Place {
    std::uint32_t begin, count;  // in tokens_
  };
  std::unordered_map<std::string, Place, WordHash, std::equal_to<>> places_;
  std::vector<std::int32_t> tokens_;
};

}  // namespace bitdarts::data
