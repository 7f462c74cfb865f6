#include "data/tokenizer.hpp"

#include <sentencepiece_processor.h>

#include <algorithm>
#include <array>
#include <utility>

#include "data/byte_source.hpp"
#include "data/model_proto.hpp"
#include "data/utf8.hpp"
#include "data/words.hpp"

namespace bitdarts::data {

namespace {

constexpr std::size_t stretch_bytes = std::size_t{1} << 16;
constexpr std::uint64_t model_limit_bytes = std::uint64_t{1} << 30;
constexpr std::string_view space_mark = "\xE2\x96\x81";   // U+2581
constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD

// Appended to a serialized ModelProto this merges into its normalizer_spec (field 3), which is how protocol
// buffers define a repeated occurrence: precompiled_charsmap (2) = "", add_dummy_prefix (3) = false,
// remove_extra_whitespaces (4) = false. SentencePiece's own header for the message is not installed by
// distributions.
constexpr std::string_view no_normalisation{"\x1a\x06\x12\x00\x18\x00\x20\x00", 8};

std::string byte_piece(int byte) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  return std::string("<0x") + digits[static_cast<std::size_t>(byte >> 4)] +
         digits[static_cast<std::size_t>(byte & 15)] + ">";
}

std::string with_spaces(std::string_view piece) {
  std::string text;
  while (!piece.empty()) {
    const bool mark = piece.starts_with(space_mark);
    text += mark ? ' ' : piece.front();
    piece.remove_prefix(mark ? space_mark.size() : 1);
  }
  return text;
}

[[noreturn]] void refuse_model(const std::string& where) {
  throw InputError(
      "not a usable SentencePiece model", where,
      "give a .model file that spm_train has written, or leave tokenizer.model empty to train one");
}

std::unique_ptr<sentencepiece::SentencePieceProcessor> load(const std::string& serialized,
                                                            const std::string& where) {
  auto processor = std::make_unique<sentencepiece::SentencePieceProcessor>();
  if (!processor->LoadFromSerializedProto(serialized).ok()) refuse_model(where);
  return processor;
}

}  // namespace

struct Tokenizer::Impl {
  std::string serialized;
  std::unique_ptr<sentencepiece::SentencePieceProcessor> processor;
  std::vector<std::string>
      surface;  // what each piece stands for in the text; empty for control pieces and the unknown one
  std::vector<bool> special;  // control or unknown: never text
  std::array<int, 256> byte_ids{};
  int unknown = -1, document_end = -1;
  bool byte_fallback = true;
  bool merges = false;  // byte-pair encoding: word by word
  WordSplitter splitter;
  WordCache words;

  void tabulate(const std::string& where) {
    const int size = processor->GetPieceSize();
    document_end = processor->eos_id();
    unknown = processor->unk_id();
    if (document_end < 0 || document_end >= size) {
      throw InputError("the SentencePiece model has no </s> piece to close documents with", where,
                       "train it without --eos_id=-1");
    }
    surface.resize(static_cast<std::size_t>(size));
    special.resize(surface.size());
    for (int id = 0; id < size; ++id) {
      const auto index = static_cast<std::size_t>(id);
      special[index] = processor->IsControl(id) || processor->IsUnknown(id);
      if (!special[index] && !processor->IsByte(id)) surface[index] = with_spaces(processor->IdToPiece(id));
    }
    for (int byte = 0; byte < 256; ++byte) {
      const int id = processor->PieceToId(byte_piece(byte));
      const bool found = id >= 0 && id < size && processor->IsByte(id);
      byte_ids[static_cast<std::size_t>(byte)] = found ? id : -1;
      byte_fallback = byte_fallback && found;
      if (found) surface[static_cast<std::size_t>(id)] = std::string(1, static_cast<char>(byte));
    }
    // The best path of a unigram model could be cut too, but its sum is rounded along the whole text.
    merges = is_bpe(serialized);
    for (const std::string& piece : surface) splitter.add_piece(piece);
  }

  void append_bytes(std::string_view text, std::size_t offset, std::vector<std::int32_t>& tokens) const {
    if (!byte_fallback) {
      throw UnencodableText(
          "the tokenizer model cannot carry this text: it has no byte fallback and no piece for a character",
          offset);
    }
    for (const char c : text) tokens.push_back(byte_ids[static_cast<unsigned char>(c)]);
  }

  bool gives_back(const std::vector<int>& ids, std::string_view text) const {
    for (const int id : ids) {
      const auto index = static_cast<std::size_t>(id);
      if (special[index] || !text.starts_with(surface[index])) return false;
      text.remove_prefix(surface[index].size());
    }
    return text.empty();
  }

  // What does not come back is halved until only the characters at fault are carried as bytes.
  void append_plain(std::string_view text, std::size_t offset, std::vector<std::int32_t>& tokens) const {
    std::vector<int> ids;
    const auto status = processor->Encode(text, &ids);
    if (!status.ok()) throw Error("SentencePiece failed: " + status.ToString());
    if (gives_back(ids, text)) {
      tokens.insert(tokens.end(), ids.begin(), ids.end());
      return;
    }
    const std::size_t first = utf8_length(text);
    if (first == text.size()) {
      append_bytes(text, offset, tokens);
      return;
    }
    std::size_t half = first;  // of several characters, so that neither part is empty
    while (half < text.size() / 2) {
      const std::size_t next = half + utf8_length(text.substr(half));
      if (next == text.size()) break;
      half = next;
    }
    append_plain(text.substr(0, half), offset, tokens);
    append_plain(text.substr(half), offset + half, tokens);
  }

  void append_word(std::string_view word, std::size_t offset, std::vector<std::int32_t>& tokens) {
    if (const auto known = words.find(word)) {
      tokens.insert(tokens.end(), known->begin(), known->end());
      return;
    }
    const std::size_t before = tokens.size();
    append_plain(word, offset, tokens);
    words.insert(word, std::span<const std::int32_t>(tokens).subspan(before));
  }

  // What is encoded at once: a word, where there are words, and no more than a stretch.
  std::size_t portion(std::string_view text) const {
    const std::size_t word = merges ? splitter.word_length(text.substr(0, stretch_bytes)) : stretch_bytes;
    return word < stretch_bytes ? word : cut_point(text, stretch_bytes);
  }
};

Tokenizer::Tokenizer(std::string serialized, const std::string& where) : impl_(std::make_unique<Impl>()) {
  // Whole by itself: at the end of a cut-off model the addition could be taken for the missing bytes.
  const auto usable = without_tables(serialized);
  if (!usable) refuse_model(where);
  impl_->processor = load(*usable + std::string(no_normalisation), where);
  impl_->serialized = std::move(serialized);
  impl_->tabulate(where);
}

Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;

Tokenizer Tokenizer::from_file(const std::filesystem::path& path) {
  return Tokenizer(read_whole_file(path, model_limit_bytes), path.string());
}

std::vector<std::int32_t> Tokenizer::encode(std::string_view document, const Poll& poll) const {
  std::vector<std::int32_t> tokens;
  std::size_t offset = 0, polled = 0;
  while (offset < document.size()) {
    const TextRun run = next_run(document.substr(offset));
    if (!run.plain) impl_->append_bytes(run.text, offset, tokens);
    for (std::string_view rest = run.text; run.plain && !rest.empty();) {
      const std::size_t length = impl_->portion(rest);
      impl_->append_word(rest.substr(0, length), offset + run.text.size() - rest.size(), tokens);
      rest.remove_prefix(length);
      polled += length;
      if (poll && polled >= stretch_bytes) {
        poll();
        polled = 0;
      }
    }
    offset += run.text.size();
  }
  return tokens;
}

std::string Tokenizer::decode(std::span<const std::int32_t> tokens) const {
  std::string text;
  for (const std::int32_t token : tokens) {
    if (token < 0 || token >= vocab_size()) {
      throw Error("token " + std::to_string(token) + " is not in the vocabulary of " +
                  std::to_string(vocab_size()));
    }
    text += token == impl_->unknown ? replacement
                                    : std::string_view(impl_->surface[static_cast<std::size_t>(token)]);
  }
  return text;
}

std::int64_t Tokenizer::vocab_size() const { return static_cast<std::int64_t>(impl_->surface.size()); }
std::int32_t Tokenizer::document_end() const { return impl_->document_end; }
bool Tokenizer::has_byte_fallback() const { return impl_->byte_fallback; }
const std::string& Tokenizer::serialized() const { return impl_->serialized; }

}  // namespace bitdarts::data
