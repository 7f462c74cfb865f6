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
                     const std::vector<pipeline::StageStatus>& stages, const std::set<std::string>& known);

/// One line about the tasks that were evaluated in the folder of the sweep and are no part of the plan any
/// more; empty when there is none.
std::string left_out_in_words(const Plan& plan);

}  // namespace bitdarts::sweep
