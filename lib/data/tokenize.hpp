#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "config/config.hpp"
#include "data/documents.hpp"
#include "data/team.hpp"
#include "data/text_index.hpp"
#include "data/text_source.hpp"
#include "data/tokenizer.hpp"
#include "store/file.hpp"

namespace bitdarts::data {

/// The tokenizer that tokenizer.model names, or one trained on the root from the train part (at most
/// tokenizer.sample_megabytes, drawn by document hash). The same on every rank. InputError when the train
/// part is empty, Interrupted when a signal came. Collective.
Tokenizer make_tokenizer(const config::Config& config, const TextIndex& index, const Team& team);

/// One part of tokens.h5 as it will be written.
struct TokenizedPart {
  std::variant<std::vector<std::uint16_t>, std::vector<std::uint32_t>> tokens;
  std::vector<std::uint64_t> begin, bytes;  ///< as in tokens.h5
  std::uint64_t token_count() const;
};

/// Everything that tokens.h5 holds but the model.
struct TokenizedText {
  std::array<TokenizedPart, 3> parts;  ///< by Split
  std::array<std::uint64_t, 3> bytes{};
  std::uint64_t documents = 0;
  std::optional<std::uint64_t> skipped_records;  ///< where data.on_bad_record lets records be skipped
};

/// Encodes the indexed text: each rank a stretch of blocks of about the same size, so that the ranks' results
/// in order are the documents in order. The result is on the root (empty elsewhere) and does not depend on
/// the number of ranks. Collective. InputError when the model cannot carry some text, Interrupted when a
/// signal came. Memory: a rank holds its own share of the tokens and one document; the root, at the end, all
/// tokens once.
TokenizedText encode_text(const TextIndex& index, const Tokenizer& tokenizer, const config::Config& config,
                          const Team& team);

/// Writes tokens.h5 (see corpus.hpp).
void write_tokens(store::File& file, const TokenizedText& text, const Tokenizer& tokenizer);

/// Documents, bytes, tokens and bytes per token of each part, for people.
std::string summary(const TokenizedText& text, const Tokenizer& tokenizer);

}  // namespace bitdarts::data
