#pragma once
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "core/random.hpp"
#include "data/documents.hpp"
#include "store/file.hpp"

namespace bitdarts::data {

// tokens.h5 (stage::tokens_schema 1):
//   /tokens/{train,search,test}          uint16 or uint32 [tokens]: documents one after another, each closed
//   by document_end /documents/{train,search,test}/begin uint64 [documents + 1]: first token of each
//   document, and the end /documents/{train,search,test}/bytes uint64 [documents]: length of the text
//   /tokenizer/model                     uint8 [bytes]: the SentencePiece model itself
//   /tokenizer/piece_bytes               uint32 [vocab_size]: bytes of text that each token decodes to
//   attributes of /tokenizer: vocab_size, document_end; of /tokens: train_bytes, search_bytes, test_bytes,
//   documents, and with data.on_bad_record = skip skipped_records

/// One part of tokens.h5 in memory, ids checked against the vocabulary.
struct TokenPart {
  std::vector<std::int32_t> ids;
  std::vector<std::uint64_t> document_begin;
  std::uint64_t bytes = 0;  ///< of text (document ends not counted)
};
struct Corpus {
  std::int64_t vocab_size = 0;
  std::int32_t document_end = 0;
  TokenPart train, search, test;
  const TokenPart& part(Split split) const;
};
/// Reads the parts that are `needed`; the others stay empty. InputError when an id is not in the vocabulary,
/// a needed part is too short for `context` + 1 tokens, or the file is inconsistent.
Corpus load_corpus(const std::filesystem::path& path, std::int64_t context,
                   std::initializer_list<Split> needed = {Split::train, Split::search, Split::test});

/// Bytes of text that each token stands for, by id. Decoding goes token by token, so a stretch of tokens
/// stands for the sum of theirs. InputError when the file does not say.
///
/// For the rooms that see LibTorch, which cannot use data::Tokenizer: Debian's libsentencepiece exports a
/// protobuf of its own, LibTorch's libprotobuf finds those names first, and a program that loads both dies
/// before main.
std::vector<std::uint32_t> load_piece_bytes(const std::filesystem::path& path);

/// Sequences as a pure function of (seed, stream, step, sample): context + 1 consecutive tokens from a
/// uniformly drawn start. Nothing to save, nothing that depends on the rank.
class Sampler {
 public:
  /// `part` must outlive the sampler. InputError when it has fewer than `context` + 1 tokens.
  Sampler(const TokenPart& part, std::int64_t context, std::uint64_t seed, Stream stream);
  /// Fills inputs and targets, each [count, context] row-major, with samples first .. first+count-1 of
  /// `step`; targets are the inputs one token later. Error when a span has another size.
  void fill(std::int64_t step, std::int64_t first, std::int64_t count, std::span<std::int64_t> inputs,
            std::span<std::int64_t> targets) const;

 private:
  const TokenPart& part_;
  std::int64_t context_;
  std::uint64_t seed_;
  Stream stream_;
};

/// Entropy of the unigram distribution of the part [nats per token]: what a model without context reaches at
/// best.
double unigram_entropy(const TokenPart& part, std::int64_t vocab_size);

}  // namespace bitdarts::data
