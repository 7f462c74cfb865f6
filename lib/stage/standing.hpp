#pragma once
#include <string>
#include <vector>

#include "stage/descriptions.hpp"
#include "store/product.hpp"

namespace bitdarts::stage {

/// The inputs, each whole, of its stage and of its schema, with the content that it has now; InputError
/// otherwise.
store::InputRecord verified(const Input& input);

/// Was each input made from the very inputs that the stage takes beside it? InputError otherwise: the
/// finetuned weights of one model must not be measured against another. `records` are those of
/// description.inputs.
void require_same_lineage(const Description& description, const std::vector<store::InputRecord>& records);

/// What identifies a product: a hash of stage, schema, options that change the result, and content of the
/// inputs.
std::string key_of(const config::Config& config, const Description& description,
                   const std::vector<store::InputRecord>& inputs);

/// What lies where a product belongs.
struct Standing {
  enum class Kind { up_to_date, missing, damaged, stale } kind = Kind::missing;
  std::string reason{};        ///< why it is damaged
  std::string content_hash{};  ///< what the file holds, when it is up to date
};
/// Reads the whole file. stale: whole, but of another key or stage.
Standing standing_of(const fs::path& product, const std::string& stage, const std::string& key);

}  // namespace bitdarts::stage
