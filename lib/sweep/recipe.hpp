#pragma once
#include <string>

#include "config/config.hpp"

namespace bitdarts::sweep {

/// What a stage's product depends on, as a name: the stage and a short hash of the options and of the recipes
/// of its inputs ("pretrain-1a2b3c4d"). Two tasks of the same recipe can share the product. Text files count
/// by name, not by content: when they change, the product is made again in its place. ConfigError when a
/// scheme file cannot be read.
std::string recipe_name(const std::string& stage, const config::Config& config);

}  // namespace bitdarts::sweep
