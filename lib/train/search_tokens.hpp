#pragma once
#include <cstdint>
#include <optional>

#include "store/file.hpp"

namespace bitdarts::train {

/// Tokens that moved the weights of a searched.h5: its steps x search.batch x context where gradient descent
/// trained them (darts, search.weights = trained), else 0. The steps are those that were taken: a list of
/// budgets takes more than search.steps, a search that settles fewer. nullopt when the file has no provenance
/// or was made by a version with other options.
std::optional<std::int64_t> search_tokens(const store::File& searched, std::int64_t context);

}  // namespace bitdarts::train
