#pragma once
#include "search/strategy.hpp"

namespace bitdarts::search {

/// The best scheme within the budget that has one weight candidate and one input candidate everywhere: of all
/// pairs whose widths no other pair within the budget exceeds, the one with the least loss on the search part
/// before finetuning. Without a budget that is the widest.
Findings find_uniform(const Workbench& bench);

}  // namespace bitdarts::search
