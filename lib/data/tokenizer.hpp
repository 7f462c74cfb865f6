#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "data/byte_source.hpp"

namespace bitdarts::data {

/// Text that a model without byte fallback has no pieces for.
class UnencodableText : public InputError {
 public:
  UnencodableText(const std::string& what, std::size_t offset) : InputError(what), offset_(offset) {}
  std::size_t offset() const noexcept { return offset_; }  ///< of the first such byte in the document

 private:
  std::size_t offset_;
};

/// A SentencePiece BPE model with byte fallback, no normalisation and no dummy prefix, so that
/// decode(encode(x)) == x for every byte string x. Text that SentencePiece would not give back (invalid
/// UTF-8, the U+2581 mark itself) is carried as byte pieces.
///
/// A model made elsewhere is used the same way: its own normalisation, dummy prefix and white space rules are
/// switched off, since they lose bytes. Text that they would leave alone gets the tokens that SentencePiece
/// itself gives (but for the first word of a document, which gets no space in front). Without byte fallback
/// it serves text that it can carry.
class Tokenizer {
 public:
  /// `serialized`: the bytes of a SentencePiece .model. InputError when it is not one or has no </s> piece.
  explicit Tokenizer(std::string serialized, const std::string& where = "tokenizer model");
  ~Tokenizer();
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;

  static Tokenizer from_file(const std::filesystem::path& path);
  /// Trains on the documents that `next` yields until it returns false. One thread; the result depends on the
  /// text alone. ConfigError when the text cannot give `vocab_size` pieces or needs more (the remedy names
  /// the limit), InputError when there is no text. With a `poll` the trainer works on a thread beside; what
  /// `poll` throws leaves that thread behind, and the process should end soon.
  static Tokenizer train(const std::function<bool(std::string&)>& next, std::int64_t vocab_size,
                         const Poll& poll = {});

  /// Documents of any length. With a BPE model the text goes through SentencePiece word by word (see
  /// WordSplitter), and words that came before are remembered; not from two threads at a time. Else, and
  /// where words are longer, in stretches of at most 64 KiB, cut before spaces. UnencodableText (an
  /// InputError) when the model has no byte fallback and would not give the text back. `poll` is called now
  /// and then.
  std::vector<std::int32_t> encode(std::string_view document, const Poll& poll = {}) const;
  /// Byte for byte what encode was given; control pieces (document end) decode to nothing, the unknown piece,
  /// which encode never gives, to U+FFFD. Error when a token is not in the vocabulary.
  std::string decode(std::span<const std::int32_t> tokens) const;
  std::int64_t vocab_size() const;
  std::int32_t document_end() const;  ///< the </s> piece, put after every document
  bool has_byte_fallback() const;
  const std::string& serialized() const;  ///< the model as it was given or trained

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bitdarts::data
