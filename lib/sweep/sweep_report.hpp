#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "sweep/results.hpp"

namespace bitdarts::sweep {

/// bitdarts-report SWEEP_DIR: SWEEP_DIR/report/report.html and CSV files from all tasks; prints a table, what
/// came out, what is missing, and the path. InputError when the folder is no sweep's, or no task has a result
/// yet and none failed.
int run_sweep_report(const std::vector<std::string>& arguments);

/// The table of settings for a terminal.
std::string settings_table(const Results& results);

}  // namespace bitdarts::sweep
