#pragma once
#include "search/strategy.hpp"

namespace bitdarts::search {

/// One pass over the layers: the loss on search.sensitivity_sequences sequences of the search part with one
/// site at one candidate, everything else in full precision, less the loss in full precision [nats per
/// token]. The usual rival of a search (HAWQ, ModelOpt AutoQuantize, EXL2 measure so). run.shards
/// measurements a step, each on one rank alone and in the same order of additions, so that neither the number
/// of ranks nor an interruption changes a bit.
Findings find_by_sensitivity(const Workbench& bench);

}  // namespace bitdarts::search
