#pragma once
#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "sweep/plan.hpp"

namespace bitdarts::sweep {

/// The plan for a terminal: a line for each task and each shared place of `pieces`, which may be fewer than
/// the plan has, and the sums. `stages` says how it stands with each of them; `known` are the ids of the
/// tasks that are not new.
std::string overview(const Plan& plan, const std::vector<Piece>& pieces,
                     const std::vector<report::StageStatus>& stages, const std::set<std::string>& known);

}  // namespace bitdarts::sweep
