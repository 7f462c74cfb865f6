#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "data/words.hpp"

namespace bitdarts::data {

/// How often each word occurs: all that SentencePiece's trainer of byte-pair encoding keeps of a text. What
/// it takes for a word is a space and what follows up to the next one. Its work grows with the characters of
/// all different words times the pieces that it makes, so that text without spaces, whose words never come
/// again, takes it hours. Words longer than `long_word` bytes are therefore cut where no piece reaches across
/// (the trainer makes none of letters of two scripts, or of letters and digits or signs), which changes
/// nothing; and of what remains longer than a piece may be, only a sample is kept, drawn by its content.
class TrainingWords {
 public:
  static constexpr std::size_t long_word = 64;        ///< bytes
  static constexpr std::size_t piece_limit = 16;      ///< characters of a piece, SentencePiece's default
  static constexpr std::size_t stretch_bytes = 4096;  ///< what is counted at once, at most
  /// Of the sample: characters in all, more for larger vocabularies.
  static std::uint64_t sample_characters(std::int64_t vocab_size);

  explicit TrainingWords(std::int64_t vocab_size) : room_(sample_characters(vocab_size)) {}
  /// Takes the words of a document, without what the trainer could not learn from: bytes that are not UTF-8,
  /// NUL, tabs and the marks that SentencePiece reserves.
  void add(std::string_view document);

  using Count = std::pair<std::string, std::int64_t>;
  /// In the order of the bytes, not that of a hash table. Those of the sample count for those that are not in
  /// it.
  std::vector<Count> sorted() const;

 private:
  using Counts = std::unordered_map<std::string, std::int64_t, WordHash, std::equal_to<>>;
  void add_run(std::string_view text);
  void add_plain(std::string_view text);
  void add_long(std::string_view word);
  void add_stretch(std::string_view stretch);
  bool drawn(std::string_view stretch) const;

  Counts counts_, sample_;
  std::uint64_t room_, sampled_ = 0;  // characters
  int halvings_ = 0;                  // one in 2^halvings_ stretches is drawn
};

/// Bytes before the first place in well-formed UTF-8 where SentencePiece's trainer lets no piece reach
/// across, or all of them.
std::size_t script_length(std::string_view text);

}  // namespace bitdarts::data
