#pragma once
#include <string>
#include <vector>

#include "config/config.hpp"

namespace bitdarts::pipeline {

/// One stage of a pipeline as a job of its own.
struct Job {
  std::string name;  ///< "search", "finetune-uniform_lsqplus_w4a8": no two in a pipeline are alike
  std::string stage;
  bool up_to_date = false;
  std::string text;                ///< "up to date (results/x/searched.h5)", or why not
  std::vector<std::string> needs;  ///< names of those that have yet to make what this one takes
  std::vector<std::string>
      arguments;  ///< beside the pipeline's: --out, --in, scheme or strategy of a baseline
};

/// pipeline_steps() with what pipeline_status() says of them, and the report: it is to be made after
/// everything else. ConfigError as check_schemes().
std::vector<Job> pipeline_jobs(const config::Config& config, const std::string& from = "tokenize",
                               const std::string& to = "report");

}  // namespace bitdarts::pipeline
