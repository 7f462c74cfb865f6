#include "data/tokenize.hpp"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <optional>
#include <utility>

#include "core/error.hpp"

namespace bitdarts::data {

namespace fs = std::filesystem;

namespace {

constexpr std::array<Split, 3> splits{Split::train, Split::search, Split::test};
constexpr std::uint64_t model_limit_bytes = std::uint64_t{1} << 30;

// Yields the documents that the tokenizer is trained on, in order, up to the sample's size.
class TrainingSample {
 public:
  TrainingSample(const config::Config& config, const TextIndex& index, Poll poll)
      : config_(config), index_(index), poll_(std::move(poll)) {
    limit_ = static_cast<std::uint64_t>(config.tokenizer.sample_megabytes) * 1'000'000;
    std::uint64_t bytes = 0;
    while (buckets_ < TextIndex::sample_buckets && bytes < limit_)
      bytes += index.train_sample_bytes[buckets_++];
    total_ = std::min(bytes, limit_);
  }

  std::uint64_t bytes() const { return total_; }

  bool next(std::string& document) {
    std::uint64_t offset = 0;
    while (given_ < limit_) {
      if (!reader_) {
        if (file_ == index_.files.size()) return false;
        reader_.emplace(index_.files[file_++], config_.data, 0, poll_);
      }
      if (!reader_->next(document, offset)) {
        reader_.reset();
      } else if (drawn(document)) {
        // The last document is cut to size: it may be the only one, and larger than the sample.
        document.resize(std::min<std::uint64_t>(document.size(), limit_ - given_));
        given_ += document.size();
        return true;
      }
    }
    return false;
  }

 private:
  bool drawn(const std::string& document) const {
    const DocumentKey key = key_of(document);
    const std::uint64_t seed = static_cast<std::uint64_t>(config_.run.seed);
    return split_of(key, seed, config_.data.search_fraction, config_.data.test_fraction) == Split::train &&
           sample_bucket(key, seed) < buckets_;
  }

  const config::Config& config_;
  const TextIndex& index_;
  Poll poll_;
  std::uint64_t limit_ = 0, total_ = 0, given_ = 0;
  std::size_t buckets_ = 0, file_ = 0;
  std::optional<DocumentReader> reader_;
};

std::string megabytes(std::uint64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f MB", static_cast<double>(bytes) / 1e6);
  return text;
}

std::string train_model(const config::Config& config, const TextIndex& index, const Console& console,
                        const Poll& poll) {
  if (index.documents[static_cast<std::size_t>(Split::train)] == 0)
    throw InputError("no text to train the tokenizer on: the train part is empty", "data.text",
                     why_empty(index));
  TrainingSample sample(config, index, poll);
  console.note("training a tokenizer of " + std::to_string(config.tokenizer.vocab_size) + " pieces on " +
               megabytes(sample.bytes()) + " of the train part");
  return Tokenizer::train([&](std::string& document) { return sample.next(document); },
                          config.tokenizer.vocab_size, poll)
      .serialized();
}

}  // namespace

Tokenizer make_tokenizer(const config::Config& config, const TextIndex& index, const Team& team) {
  const std::string& path = config.tokenizer.model;
  std::string model;
  work_together(team, [&](comm::StopPoll& poll) {
    if (!team.world.root()) return;
    model = path.empty() ? train_model(config, index, team.console, std::ref(poll))
                         : read_whole_file(path, model_limit_bytes);
  });
  model = team.world.broadcast_text(model);
  std::optional<Tokenizer> tokenizer;
  comm::together(team.world,
                 [&] { tokenizer.emplace(model, path.empty() ? "the trained tokenizer" : path); });
  if (!tokenizer->has_byte_fallback()) {
    team.console.warn(
        "the tokenizer model has no byte fallback: text with characters it does not know will be refused");
  }
  return std::move(*tokenizer);
}

std::uint64_t TokenizedPart::token_count() const {
  return std::visit([](const auto& values) { return static_cast<std::uint64_t>(values.size()); }, tokens);
}

void write_tokens(store::File& file, const TokenizedText& text, const Tokenizer& tokenizer) {
  for (const Split split : splits) {
    const TokenizedPart& part = text.parts[static_cast<std::size_t>(split)];
    const std::string name = name_of(split);
    std::visit(
        [&]<class Id>(const std::vector<Id>& tokens) {
          file.write<Id>("/tokens/" + name, std::span<const Id>(tokens));
        },
        part.tokens);
    file.write<std::uint64_t>("/documents/" + name + "/begin", part.begin);
    file.write<std::uint64_t>("/documents/" + name + "/bytes", part.bytes);
    file.set_attribute("/tokens", name + "_bytes",
                       static_cast<std::int64_t>(text.bytes[static_cast<std::size_t>(split)]));
  }
  file.set_attribute("/tokens", "documents", static_cast<std::int64_t>(text.documents));
  if (text.skipped_records)
    file.set_attribute("/tokens", "skipped_records", static_cast<std::int64_t>(*text.skipped_records));
  const std::string& model = tokenizer.serialized();
  file.write<std::uint8_t>("/tokenizer/model",
                           std::span(reinterpret_cast<const std::uint8_t*>(model.data()), model.size()));
  std::vector<std::uint32_t> piece_bytes;
  for (std::int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
    piece_bytes.push_back(static_cast<std::uint32_t>(tokenizer.decode({&id, 1}).size()));
  }
  file.write<std::uint32_t>("/tokenizer/piece_bytes", piece_bytes);
  file.set_attribute("/tokenizer", "vocab_size", tokenizer.vocab_size());
  file.set_attribute("/tokenizer", "document_end", static_cast<std::int64_t>(tokenizer.document_end()));
}

std::string summary(const TokenizedText& text, const Tokenizer& tokenizer) {
  char line[128];
  std::snprintf(line, sizeof line, "%-8s %12s %14s %14s %12s\n", "part", "documents", "bytes", "tokens",
                "bytes/token");
  std::string table = line;
  std::uint64_t bytes = 0, tokens = 0, documents = 0;
  const auto row = [&](const char* name, std::uint64_t d, std::uint64_t b, std::uint64_t t) {
    // The document ends stand for no text.
    const double ratio = t > d ? static_cast<double>(b) / static_cast<double>(t - d) : 0.0;
    std::snprintf(line, sizeof line, "%-8s %12llu %14llu %14llu %12.3f\n", name,
                  static_cast<unsigned long long>(d), static_cast<unsigned long long>(b),
                  static_cast<unsigned long long>(t), ratio);
    table += line;
  };
  for (const Split split : splits) {
    const auto index = static_cast<std::size_t>(split);
    const TokenizedPart& part = text.parts[index];
    row(name_of(split), part.bytes.size(), text.bytes[index], part.token_count());
    documents += part.bytes.size();
    bytes += text.bytes[index];
    tokens += part.token_count();
  }
  row("all", documents, bytes, tokens);
  if (text.skipped_records) table += "skipped records: " + std::to_string(*text.skipped_records) + "\n";
  return table + "vocabulary: " + std::to_string(tokenizer.vocab_size()) + " pieces";
}

}  // namespace bitdarts::data
