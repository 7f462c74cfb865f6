#pragma once
#include <string>
#include <vector>

#include "config/config.hpp"

namespace bitdarts::pipeline {

/// One stage of a pipeline as a job of its own.
struct Job {
  std::string name;  ///< "search", "finetune-uniform_lsqplus_w4a8": no two in a pipeline are alike
  std::string stage;
  /// optional: to be made, and others that would take it have the same result without.
  enum class State { up_to_date, to_be_made, optional } state = State::to_be_made;
  std::string text;                ///< "up to date (results/x/searched.h5)", or why not
  std::vector<std::string> needs;  ///< names of those that have yet to make what this one takes
  std::vector<std::string>
      arguments;  ///< beside the pipeline's: --out, --in, scheme or strategy of a baseline
};

/// "to_be_made": for programs.
const char* name_of(Job::State state);

/// pipeline_steps() with what pipeline_status() says of them; before the first of several evaluations that
/// are to be made what they share (bitdarts-reference); and the report, to be made after everything else.
/// ConfigError as check_schemes().
std::vector<Job> pipeline_jobs(const config::Config& config, const std::string& from = "tokenize",
                               const std::string& to = "report");

}  // namespace bitdarts::pipeline
