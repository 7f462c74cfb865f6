#include <sentencepiece_trainer.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <memory>
#include <regex>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "data/tokenizer.hpp"
#include "data/training_words.hpp"

namespace bitdarts::data {

namespace {

// Gives the trainer every word once, with its count behind a tab.
class CountedWords : public sentencepiece::SentenceIterator {
 public:
  explicit CountedWords(std::vector<TrainingWords::Count> words) : words_(std::move(words)) { write(); }

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

  std::vector<TrainingWords::Count> words_;
  std::size_t at_ = 0;
  std::string sentence_;
};

// All that the trainer reads and writes.
struct Training {
  Training(std::vector<TrainingWords::Count> counts, std::int64_t vocab_size)
      : words(std::move(counts)),
        options{
            {"model_type", "bpe"},
            {"vocab_size", std::to_string(vocab_size)},
            {"input_format", "tsv"},
            {"byte_fallback", "true"},
            {"normalization_rule_name", "identity"},
            {"add_dummy_prefix", "false"},
            {"remove_extra_whitespaces", "false"},
            {"max_sentence_length", std::to_string(2 * TrainingWords::stretch_bytes)},
            {"num_threads", "1"},
            {"minloglevel", "3"},  // errors come back as a status
        } {}
  void run() { status = sentencepiece::SentencePieceTrainer::Train(options, &words, &serialized); }

  CountedWords words;
  std::unordered_map<std::string, std::string> options;
  sentencepiece::util::Status status;
  std::string serialized;
};

// SentencePiece cannot be asked to stop. It works on a thread, and when `poll` throws that thread is left
// behind: it has all that it touches for itself. What the process owns must then not be taken down under it,
// so that the process ends without (but with its exit code, and after main).
void run_beside(const std::shared_ptr<Training>& training, const Poll& poll) {
  std::promise<void> promise;
  std::future<void> done = promise.get_future();
  std::thread worker([training, promise = std::move(promise)]() mutable {
    try {
      training->run();
      promise.set_value();
    } catch (...) {
      promise.set_exception(std::current_exception());
    }
  });
  try {
    while (done.wait_for(std::chrono::milliseconds(50)) != std::future_status::ready) poll();
  } catch (...) {
    worker.detach();
    ::on_exit(
        [](int code, void*) {
          std::fflush(nullptr);
          std::_Exit(code);
        },
        nullptr);
    throw;
  }
  worker.join();
  done.get();
}

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

Tokenizer Tokenizer::train(const std::function<bool(std::string&)>& next, std::int64_t vocab_size,
                           const Poll& poll) {
  TrainingWords counts(vocab_size);
  for (std::string document; next(document);) {
    counts.add(document);
    if (poll) poll();
  }
  auto training = std::make_shared<Training>(counts.sorted(), vocab_size);
  if (training->words.done()) {
    throw InputError("no text to train the tokenizer on", "the train part of data.text",
                     "give more text, or cut it into more documents (data.document = paragraph or line)");
  }
  if (poll)
    run_beside(training, poll);
  else
    training->run();
  if (!training->status.ok()) explain(training->status.ToString(), vocab_size);
  return Tokenizer(std::move(training->serialized));
}

}  // namespace bitdarts::data
