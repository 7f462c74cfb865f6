#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "pipeline/progress.hpp"
#include "sweep/plan.hpp"

namespace bitdarts::sweep {

/// Is it the folder of a sweep?
bool is_sweep(const std::filesystem::path& folder);

/// One line for each place of the plan, shared ones first: that of its first stage that is not up to date, or
/// of its last one.
std::vector<pipeline::StageProgress> sweep_progress(const Plan& plan);

/// "15 of 24 tasks are made, 1 failed": the last line of a long table.
std::string tasks_in_words(const std::vector<pipeline::StageProgress>& places);

}  // namespace bitdarts::sweep
