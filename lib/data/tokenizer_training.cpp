#include <sentencepiece_trainer.h>

#include <algorithm>
#include <regex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "data/tokenizer.hpp"
#include "data/utf8.hpp"
#include "data/words.hpp"

namespace bitdarts::data {

namespace {

constexpr std::size_t word_bytes = 4096;

// Where the first character stands that the trainer learns nothing from: U+2585 and NUL make it drop the
// whole sentence, and no piece that it makes holds a tab.
std::size_t find_reserved(std::string_view text) {
  constexpr std::string_view beginnings("\0\t\xE2", 3);
  for (std::size_t at = text.find_first_of(beginnings); at < text.size();
       at = text.find_first_of(beginnings, at + 1))
    if (text[at] != '\xE2' || text.substr(at, 3) == "\xE2\x96\x85") return at;
  return text.size();
}

// How often each word occurs: all that the trainer keeps of a text. What it takes for a word is a space and
// what follows up to the next one, or what a stretch of text begins with.
class WordCounts {
 public:
  using Count = std::pair<std::string_view, std::int64_t>;

  // Without what the trainer could not learn from.
  void add(std::string_view document) {
    while (!document.empty()) {
      const TextRun run = next_run(document);
      if (run.plain) add_run(run.text);
      document.remove_prefix(run.text.size());
    }
  }

  // In an order of their own, not that of a hash table.
  std::vector<Count> sorted() const {
    std::vector<Count> words(counts_.begin(), counts_.end());
    std::sort(words.begin(), words.end());
    return words;
  }

 private:
  void add_run(std::string_view text) {
    while (!text.empty()) {
      const std::size_t length = find_reserved(text);
      add_plain(text.substr(0, length));
      text.remove_prefix(length);
      if (!text.empty()) text.remove_prefix(utf8_length(text));
    }
  }

  void add_plain(std::string_view text) {
    while (!text.empty()) {
      const std::size_t end = std::min(text.find(' ', 1), text.size());
      const std::size_t length = end > word_bytes ? cut_point(text.substr(0, end), word_bytes) : end;
      const std::string_view word = text.substr(0, length);
      if (const auto known = counts_.find(word); known != counts_.end())
        ++known->second;
      else
        counts_.emplace(word, 1);
      text.remove_prefix(length);
    }
  }

  std::unordered_map<std::string, std::int64_t, WordHash, std::equal_to<>> counts_;
};

// Gives the trainer every word once, with its count behind a tab.
class CountedWords : public sentencepiece::SentenceIterator {
 public:
  explicit CountedWords(std::vector<WordCounts::Count> words) : words_(std::move(words)) { write(); }

  bool done() const override { return at_ == words_.size(); }
  const std::string& value() const override { return sentence_; }
  sentencepiece::util::Status status() const override { return {}; }
  void Next() override {
    ++at_;
    write();
  }

 private:
  void write() {
    if (done()) return;
    const auto& [word, count] = words_[at_];
    sentence_.assign(word).append("\t").append(std::to_string(count));
  }

  std::vector<WordCounts::Count> words_;
  std::size_t at_ = 0;
  std::string sentence_;
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
  WordCounts counts;
  for (std::string document; next(document);) counts.add(document);
  CountedWords words(counts.sorted());
  if (words.done()) {
    throw InputError("no text to train the tokenizer on", "the train part of data.text",
                     "give more text, or cut it into more documents (data.document = paragraph or line)");
  }
  const std::unordered_map<std::string, std::string> options{
      {"model_type", "bpe"},
      {"vocab_size", std::to_string(vocab_size)},
      {"input_format", "tsv"},
      {"byte_fallback", "true"},
      {"normalization_rule_name", "identity"},
      {"add_dummy_prefix", "false"},
      {"remove_extra_whitespaces", "false"},
      {"max_sentence_length", std::to_string(2 * word_bytes)},
      {"num_threads", "1"},
      {"minloglevel", "3"},  // errors come back as a status
  };
  std::string serialized;
  const auto status = sentencepiece::SentencePieceTrainer::Train(options, &words, &serialized);
  if (!status.ok()) explain(status.ToString(), vocab_size);
  return Tokenizer(std::move(serialized));
}

}  // namespace bitdarts::data
