#pragma once
#include <string>
#include <vector>

#include "config/config.hpp"

namespace bitdarts::pipeline {

/// One start of a stage in a pipeline.
struct Step {
  std::string name;  ///< "search", "finetune-uniform_lsqplus_w4a8": no two in a pipeline are alike
  std::string stage;
  config::Config config;               ///< that the stage is started with
  std::vector<std::string> arguments;  ///< beside the pipeline's: folders and scheme of a baseline
};

/// ConfigError when `from` or `to` is no stage that a pipeline can begin or end with, or `from` comes after
/// `to`.
void check_range(const std::string& from, const std::string& to);

/// ConfigError, about `option`, when a scheme is the name of a file and that cannot be read, or is no table
/// of schemes (quant::check_table); the misspelt name of a strategy is such a file. Where no stage needs it
/// yet, only that which can be no file.
void check_scheme_file(const std::string& option, const std::string& scheme, bool is_needed_now = true);

/// ConfigError when a pipeline from stage `from` to stage `to` could not end well, which its stages would
/// find only after others have worked for long: a scheme file that cannot be read, the misspelt name of a
/// strategy among them; a baseline that is the pipeline's own search again.
void check_schemes(const config::Config& config, const std::string& from, const std::string& to);

/// What a pipeline makes, from stage `from` to stage `to`, in an order in which it can be made: the chain;
/// then each of config::baselines_of(), finetuned and evaluated in its folder, the search of its strategy
/// before the first that takes it. With finetune.scheme = best the chain's own finetuning and evaluation come
/// last. A search that none of them takes is left out, unless `from` or `to` asks for it. Neither the
/// page (report) nor what only spares others work (reference) is among them. ConfigError as check_range().
std::vector<Step> pipeline_steps(const config::Config& config, const std::string& from,
                                 const std::string& to);

}  // namespace bitdarts::pipeline
