#include "data/corpus.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.hpp"

namespace bitdarts::data {

namespace {

constexpr std::uint64_t slice_tokens = std::uint64_t{1} << 22;
const char* const rebuild = "make it again with bitdarts-tokenize --force";

std::string place(const store::File& file, const std::string& name) {
  return file.path().string() + ", " + name;
}

void require(bool holds, const std::string& what, const store::File& file, const std::string& name) {
  if (!holds) throw InputError(what, place(file, name), rebuild);
}

// In slices, so that the stored and the widened ids are never both in memory as a whole.
template <class Id>
std::vector<std::int32_t> read_ids(const store::File& file, const std::string& name, std::uint64_t tokens,
                                   std::int64_t vocab_size) {
  std::vector<std::int32_t> ids;
  for (std::uint64_t first = 0; first < tokens; first += slice_tokens) {
    const auto slice = file.read_slice<Id>(name, first, std::min(slice_tokens, tokens - first));
    if (first == 0) ids.reserve(tokens);  // only now is it known that the file holds what its header says
    for (const Id id : slice) {
      if (static_cast<std::int64_t>(id) >= vocab_size) {
        require(false,
                "token " + std::to_string(ids.size()) + " is " + std::to_string(id) +
                    ", outside the vocabulary of " + std::to_string(vocab_size),
                file, name);
      }
      ids.push_back(static_cast<std::int32_t>(id));
    }
  }
  return ids;
}

void check_documents(const store::File& file, const std::string& split, const TokenPart& part,
                     const std::vector<std::uint64_t>& lengths, std::int32_t document_end) {
  const std::string name = "/documents/" + split + "/begin";
  const auto& begin = part.document_begin;
  require(begin.size() == lengths.size() + 1 && begin.front() == 0 && begin.back() == part.ids.size(),
          "the documents do not cover the tokens", file, name);
  for (std::size_t i = 0; i + 1 < begin.size(); ++i) {
    require(begin[i] < begin[i + 1] && begin[i + 1] <= part.ids.size() &&
                part.ids[begin[i + 1] - 1] == document_end,
            "document " + std::to_string(i) + " is not closed by the document end", file, name);
  }
  std::uint64_t bytes = 0;
  for (const std::uint64_t length : lengths) bytes += length;
  require(bytes == part.bytes, "the lengths of the documents do not add up", file,
          "/documents/" + split + "/bytes");
}

TokenPart load_part(const store::File& file, const std::string& split, const Corpus& corpus) {
  const std::string name = "/tokens/" + split;
  const store::DatasetInfo info = file.info(name);
  require(info.shape.size() == 1, "the tokens are not one-dimensional", file, name);
  TokenPart part;
  switch (info.type) {
    case store::ElementType::uint16:
      part.ids = read_ids<std::uint16_t>(file, name, info.elements(), corpus.vocab_size);
      break;
    case store::ElementType::uint32:
      part.ids = read_ids<std::uint32_t>(file, name, info.elements(), corpus.vocab_size);
      break;
    default:
      require(false, std::string("the tokens are ") + name_of(info.type) + ", not uint16 or uint32", file,
              name);
  }
  const std::int64_t bytes = file.required_int("/tokens", split + "_bytes");
  require(bytes >= 0, "a negative number of bytes", file, "/tokens, attribute " + split + "_bytes");
  part.bytes = static_cast<std::uint64_t>(bytes);
  part.document_begin = file.read<std::uint64_t>("/documents/" + split + "/begin");
  const auto lengths = file.read<std::uint64_t>("/documents/" + split + "/bytes");
  check_documents(file, split, part, lengths, corpus.document_end);
  return part;
}

}  // namespace

const TokenPart& Corpus::part(Split split) const {
  return split == Split::train ? train : split == Split::search ? search : test;
}

Corpus load_corpus(const std::filesystem::path& path, std::int64_t context,
                   std::initializer_list<Split> needed) {
  const store::File file = store::File::open(path);
  Corpus corpus;
  corpus.vocab_size = file.required_int("/tokenizer", "vocab_size");
  require(corpus.vocab_size > 0 && corpus.vocab_size <= std::numeric_limits<std::int32_t>::max(),
          "an impossible vocabulary size", file, "/tokenizer, attribute vocab_size");
  // What the model and the counts are sized by must be more than a number: the file holds something per
  // piece.
  require(file.info("/tokenizer/piece_bytes").shape ==
              store::Shape{static_cast<std::uint64_t>(corpus.vocab_size)},
          "the vocabulary has not as many pieces as it says", file, "/tokenizer/piece_bytes");
  const std::int64_t document_end = file.required_int("/tokenizer", "document_end");
  require(document_end >= 0 && document_end < corpus.vocab_size, "the document end is not in the vocabulary",
          file, "/tokenizer, attribute document_end");
  corpus.document_end = static_cast<std::int32_t>(document_end);
  for (const Split split : needed) {
    TokenPart part = load_part(file, name_of(split), corpus);
    if (static_cast<std::int64_t>(part.ids.size()) < context + 1) {
      throw InputError(
          "the " + std::string(name_of(split)) + " part has " + std::to_string(part.ids.size()) +
              " tokens, and one sequence needs " + std::to_string(context + 1),
          place(file, "/tokens/" + std::string(name_of(split))),
          "give more text, cut it into more documents (data.document = paragraph or line), raise the part's "
          "fraction in [data], or lower model.context");
    }
    (split == Split::train    ? corpus.train
     : split == Split::search ? corpus.search
                              : corpus.test) = std::move(part);
  }
  return corpus;
}

std::vector<std::uint32_t> load_piece_bytes(const std::filesystem::path& path) {
  const store::File file = store::File::open(path);
  const std::string name = "/tokenizer/piece_bytes";
  const std::int64_t vocab_size = file.required_int("/tokenizer", "vocab_size");
  require(file.has(name), "the lengths of the pieces are missing", file, name);
  auto lengths = file.read<std::uint32_t>(name);
  require(static_cast<std::int64_t>(lengths.size()) == vocab_size, "there are not as many lengths as pieces",
          file, name);
  return lengths;
}

double unigram_entropy(const TokenPart& part, std::int64_t vocab_size) {
  std::vector<std::uint64_t> counts(static_cast<std::size_t>(vocab_size), 0);
  for (const std::int32_t id : part.ids) ++counts.at(static_cast<std::size_t>(id));
  const auto total = static_cast<double>(part.ids.size());
  double entropy = 0;
  for (const std::uint64_t count : counts) {
    if (count == 0) continue;
    const double share = static_cast<double>(count) / total;
    entropy -= share * std::log(share);
  }
  return entropy;
}

}  // namespace bitdarts::data
