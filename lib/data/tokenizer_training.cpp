#include <sentencepiece_trainer.h>

#include <algorithm>
#include <exception>
#include <optional>
#include <regex>
#include <unordered_map>

#include "data/tokenizer.hpp"
#include "data/utf8.hpp"

namespace bitdarts::data {

namespace {

constexpr std::size_t sentence_bytes = 4096;

// U+2585 and NUL make the trainer drop the whole sentence; they end one here instead.
constexpr std::string_view reserved[] = {"\xE2\x96\x85", std::string_view("\0", 1)};

std::size_t find_reserved(std::string_view text) {
  std::size_t first = text.size();
  for (const std::string_view mark : reserved) first = std::min(first, text.find(mark));
  return first;
}

// Gives the trainer the documents in sentences of a few kilobytes, without what it could not learn from.
class Sentences : public sentencepiece::SentenceIterator {
 public:
  explicit Sentences(const std::function<bool(std::string&)>& next) : next_(next) { Next(); }

  bool done() const override { return !sentence_.has_value(); }
  const std::string& value() const override { return *sentence_; }
  sentencepiece::util::Status status() const override { return {}; }

  void Next() override {
    sentence_.reset();
    // Nothing may be thrown through the trainer: the error waits until it has returned.
    try {
      advance();
    } catch (...) {
      error_ = std::current_exception();
    }
  }

  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }
  bool any() const { return any_; }

 private:
  void advance() {
    while (!sentence_) {
      if (rest_.empty() && !next_document()) return;
      const TextRun run = next_run(rest_);
      std::size_t length = run.text.size();
      if (run.plain) {
        length = find_reserved(run.text);
        if (length > 0) {
          length = cut_point(run.text.substr(0, length), sentence_bytes);
          sentence_.emplace(run.text.substr(0, length));
          any_ = true;
        } else {
          length = utf8_length(run.text);
        }
      }
      rest_.remove_prefix(length);
    }
  }

  bool next_document() {
    if (!next_(document_)) return false;
    rest_ = document_;
    return true;
  }

  const std::function<bool(std::string&)>& next_;
  std::string document_;
  std::string_view rest_;
  std::optional<std::string> sentence_;
  std::exception_ptr error_;
  bool any_ = false;
};

// The trainer says what is wrong only in words; the numbers in them make the remedy.
[[noreturn]] void explain(const std::string& message, std::int64_t vocab_size) {
  const std::string where = "tokenizer.vocab_size = " + std::to_string(vocab_size);
  std::smatch found;
  if (std::regex_search(message, found, std::regex("too high.*<= ([0-9]+)"))) {
    throw ConfigError("the training text does not hold that many pieces", where,
                      "set tokenizer.vocab_size to " + found[1].str() + " or less, or give more text");
  }
  if (std::regex_search(message, found, std::regex("smaller than required_chars\\. [0-9]+ vs ([0-9]+)"))) {
    throw ConfigError("too few pieces for the 256 bytes and the characters of the training text", where,
                      "set tokenizer.vocab_size to " + found[1].str() + " or more");
  }
  throw Error("SentencePiece could not train a model: " + message, where);
}

}  // namespace

Tokenizer Tokenizer::train(const std::function<bool(std::string&)>& next, std::int64_t vocab_size) {
  Sentences sentences(next);
  sentences.rethrow();
  if (!sentences.any()) {
    throw InputError("no text to train the tokenizer on", "the train part of data.text",
                     "give more text, or cut it into more documents (data.document = paragraph or line)");
  }
  const std::unordered_map<std::string, std::string> options{
      {"model_type", "bpe"},
      {"vocab_size", std::to_string(vocab_size)},
      {"byte_fallback", "true"},
      {"normalization_rule_name", "identity"},
      {"add_dummy_prefix", "false"},
      {"remove_extra_whitespaces", "false"},
      {"max_sentence_length", std::to_string(2 * sentence_bytes)},
      {"num_threads", "1"},
      {"minloglevel", "3"},  // errors come back as a status
  };
  std::string serialized;
  const auto status = sentencepiece::SentencePieceTrainer::Train(options, &sentences, &serialized);
  sentences.rethrow();
  if (!status.ok()) explain(status.ToString(), vocab_size);
  return Tokenizer(std::move(serialized));
}

}  // namespace bitdarts::data
