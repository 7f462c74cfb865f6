#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bitdarts::data {

/// A SentencePiece BPE model with byte fallback, no normalisation and no dummy prefix, so that decode(encode(x)) == x
/// for every byte string x. Text that SentencePiece would not give back (invalid UTF-8, the U+2581 mark itself)
/// is carried as byte pieces.
class Tokenizer {
 public:
  /// `serialized`: the bytes of a SentencePiece .model. InputError when it is not one.
  explicit Tokenizer(std::string serialized, const std::string& where = "tokenizer model");
  ~Tokenizer();
  Tokenizer(Tokenizer&&) noexcept;

  static Tokenizer from_file(const std::filesystem::path& path);
  /// Trains on the documents that `next` yields until it returns false. One thread; the result depends on the text alone.
  static Tokenizer train(const std::function<bool(std::string&)>& next, std::int64_t vocab_size);

  std::vector<std::int32_t> encode(std::string_view document) const;
  /// Byte for byte what encode was given; control pieces (document end) decode to nothing.
  std::string decode(std::span<const std::int32_t> tokens) const;
  std::int64_t vocab_size() const;
  std::int32_t document_end() const;  ///< the </s> piece, put after every document
  bool has_byte_fallback() const;
  const std::string& serialized() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bitdarts::data
