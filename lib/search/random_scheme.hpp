#pragma once
#include <cstdint>
#include <vector>

#include "core/random.hpp"
#include "search/strategy.hpp"

namespace bitdarts::search {

/// For each budget a scheme drawn with equal probability from all schemes of the candidates that cost no more
/// than the budget and at least 99 % of it (where there is none, twice as far below it, and so on; without a
/// budget, from all). Keyed by run.seed, `number` and the budget's capacity: another budget in the list
/// changes no other scheme.
Findings find_at_random(const Workbench& bench, std::uint64_t number);

/// One option of every group, drawn with equal probability from all choices whose total cost lies between
/// `least` and `most`; empty when there is none. `costs`: by group and option, >= 0. Counts the choices by
/// total cost (dynamic programming), with costs in at most 2^14 intervals, and rejects what the rounding let
/// in, so that the draw is exact. Where that finds nothing, for the choices are too rare or the rounding too
/// coarse, draws by importance and rejects what that made too probable, which is exact as well.
std::vector<std::size_t> draw_within(const std::vector<std::vector<std::int64_t>>& costs, std::int64_t least,
                                     std::int64_t most, KeyedRandom& random);

}  // namespace bitdarts::search
