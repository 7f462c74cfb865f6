#pragma once
#include <string>
#include <vector>

namespace bitdarts::sweep {

/// A word as a POSIX shell reads it back: as it is where that is safe, else in single quotes.
std::string shell_quoted(const std::string& word);
/// The words with blanks between them, each quoted.
std::string shell_words(const std::vector<std::string>& words);

}  // namespace bitdarts::sweep
