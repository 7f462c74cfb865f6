#pragma once
#include "search/strategy.hpp"

namespace bitdarts::search {

/// The diagonal empirical Fisher estimate of what each candidate adds to the loss, 1/2 T Σ G² (Q(x) - x)²
/// [nats per token], from search.fisher_batches backward passes at full precision over batches of the search
/// part: the estimate that the L_err of the search makes at its mixture, made once where nothing is
/// quantized.
Findings find_by_fisher(const Workbench& bench);

}  // namespace bitdarts::search
