#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace bitdarts::data {

/// A serialized SentencePiece ModelProto without the parts that bitdarts does not use and SentencePiece takes
/// on trust: the tables of normalizer and denormalizer, in which a damaged offset is a wild pointer, and the
/// self test, which looks into them. Nothing when the bytes are no whole protocol buffer.
std::optional<std::string> without_tables(std::string_view model);

/// Does the model merge pairs of pieces (trainer_spec.model_type BPE)? `model`: a whole ModelProto.
bool is_bpe(std::string_view model);

}  // namespace bitdarts::data
