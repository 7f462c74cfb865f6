#include "config/nearest.hpp"

#include <algorithm>

namespace bitdarts::config {

std::size_t edit_distance(const std::string& a, const std::string& b) {
  const std::size_t columns = b.size() + 1;
  std::vector<std::size_t> table((a.size() + 1) * columns);
  const auto at = [&](std::size_t i, std::size_t j) -> std::size_t& { return table[i * columns + j]; };
  for (std::size_t i = 0; i <= a.size(); ++i) at(i, 0) = i;
  for (std::size_t j = 0; j <= b.size(); ++j) at(0, j) = j;
  for (std::size_t i = 1; i <= a.size(); ++i)
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = at(i - 1, j - 1) + (a[i - 1] == b[j - 1] ? 0 : 1);
      at(i, j) = std::min({at(i - 1, j) + 1, at(i, j - 1) + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        at(i, j) = std::min(at(i, j), at(i - 2, j - 2) + 1);
    }
  return at(a.size(), b.size());
}

std::string suggestion(const std::string& wrong, const std::vector<std::string>& names,
                       const std::string& otherwise) {
  const bool sectioned = wrong.find('.') != std::string::npos;
  // An option that stands in another section, and in no third one.
  std::vector<std::string> elsewhere;
  for (const std::string& name : names)
    if (sectioned && name.find('.') != std::string::npos &&
        name.substr(name.find('.')) == wrong.substr(wrong.find('.')))
      elsewhere.push_back(name);
  if (elsewhere.size() == 1) return "did you mean " + elsewhere.front() + "?";
  // Further away than this, a guess is noise.
  std::size_t best = std::max<std::size_t>(2, wrong.size() / 3);
  std::vector<std::string> nearest;
  for (const std::string& name : names) {
    std::size_t distance = edit_distance(wrong, name);
    if (const auto dot = name.find('.'); !sectioned && dot != std::string::npos)
      distance = std::min(distance, edit_distance(wrong, name.substr(dot + 1)));
    if (distance < best) nearest.clear(), best = distance;
    if (distance == best) nearest.push_back(name);
  }
  if (nearest.empty()) return otherwise;
  std::string result = "did you mean ";
  for (std::size_t i = 0; i < std::min<std::size_t>(3, nearest.size()); ++i)
    result += (i ? " or " : "") + nearest[i];
  return result + "?";
}

}  // namespace bitdarts::config
