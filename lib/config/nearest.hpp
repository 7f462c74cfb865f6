#pragma once
#include <string>
#include <vector>

namespace bitdarts::config {

/// Insertions, deletions, replacements and swaps of neighbours that turn one text into the other.
std::size_t edit_distance(const std::string& a, const std::string& b);

/// "did you mean search.steps?" with the names nearest to `wrong` (three at most when equally near);
/// `otherwise` when nothing is near. A `wrong` without a section is also compared with the keys alone; one
/// whose key stands in one other section alone is taken for that.
std::string suggestion(const std::string& wrong, const std::vector<std::string>& names,
                       const std::string& otherwise);

}  // namespace bitdarts::config
