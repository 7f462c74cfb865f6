#pragma once
#include <string>
#include <vector>

#include "config/config.hpp"

namespace bitdarts::report {

/// What a stage would find if it were started now.
struct StageStatus {
  std::string stage;  ///< "search"
  bool up_to_date = false;
  std::string text;  ///< "up to date (results/x/searched.h5)", or why not
};

/// The stages of a pipeline from `from` to `to`, in the order in which pipelines/run starts them: the chain,
/// then finetune and evaluate of every scheme in report.baselines, each in its folder. The report is no stage
/// here: it judges its own page. A stage that takes what another one here has yet to make is to be made too,
/// whatever its product says; so is one whose inputs are missing or damaged. Reads whole files, as the stages
/// do, but starts no MPI. ConfigError when `from` or `to` is no stage or `from` comes after `to`.
std::vector<StageStatus> pipeline_status(const config::Config& config, const std::string& from = "tokenize",
                                         const std::string& to = "report");

/// Where under the results a baseline's products lie: "uniform:lsq+:w4a8" -> "uniform_lsqplus_w4a8".
/// pipelines/run has the same rule.
std::string baseline_folder(const std::string& scheme);

}  // namespace bitdarts::report
