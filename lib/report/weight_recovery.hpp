#pragma once
#include <string>

#include "report/comparison.hpp"

namespace bitdarts::report {

/// One sentence where the searched scheme was found with another search.weight_recovery than rivals of the
/// table were, and how to give them the same; empty where all have the same, or where it is not known.
/// Schemes that are found without values of candidates (uniform, random, by hand) have none.
std::string recovery_in_words(const products::Products& products, const Comparison& comparison);

}  // namespace bitdarts::report
