#pragma once
#include <string>

namespace bitdarts::config {

/// The text of --help for bitdarts-<stage>: usage, and the options of one section, or of all when `section`
/// is empty. ConfigError when there is no such section.
std::string help(const std::string& stage, const std::string& section);

}  // namespace bitdarts::config
