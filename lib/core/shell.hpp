#pragma once
#include <string>
#include <vector>

namespace bitdarts {

/// A word as a POSIX shell reads it back: in single quotes where it needs any.
std::string shell_quoted(const std::string& word);
/// Words as one command line.
std::string shell_quoted(const std::vector<std::string>& words);

}  // namespace bitdarts
