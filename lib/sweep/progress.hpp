#pragma once
#include <filesystem>
#include <vector>

#include "config/config.hpp"
#include "report/progress.hpp"
#include "sweep/plan.hpp"

namespace bitdarts::sweep {

/// Is it the folder of a sweep?
bool is_sweep(const std::filesystem::path& folder);

/// One line for each place of the plan, shared ones first: that of its first stage that is not up to date, or
/// of its last one.
std::vector<report::StageProgress> sweep_progress(const Plan& plan);

}  // namespace bitdarts::sweep
