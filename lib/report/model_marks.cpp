#include "report/model_marks.hpp"

#include <iterator>
#include <string>

namespace bitdarts::report {
namespace {

// Told apart by shape alone, filled or open; the explicit uniform schemes come before the strategy of that
// name.
constexpr ModelMark marks[] = {
    {"searched", Ink::red, 13},         {"sensitivity", Ink::purple, 11}, {"fisher", Ink::green, 15},
    {"random", Ink::grey, 6},           {"uniform lsq+", Ink::blue, 7},   {"uniform pact", Ink::orange, 9},
    {"uniform uniform", Ink::green, 5}, {"best uniform", Ink::blue, 4},   {"other", Ink::purple, 8}};
constexpr const char* prefixes[] = {"searched",     "sensitivity",     "fisher",  "random", "uniform:lsq+",
                                    "uniform:pact", "uniform:uniform", "uniform", ""};
static_assert(std::size(marks) == std::size(prefixes));

// "random" stands for random:3:w2a4, but not for a table called randomly.txt.
bool names(const std::string& prefix, const std::string& name) {
  return name.starts_with(prefix) &&
         (prefix.empty() || name.size() == prefix.size() || name[prefix.size()] == ':');
}

}  // namespace

std::span<const ModelMark> model_marks() { return marks; }

const ModelMark& mark_of(const EvaluatedModel& model) {
  if (model.role == EvaluatedModel::Role::searched) return marks[0];
  for (std::size_t k = 1; k < std::size(marks); ++k)
    if (names(prefixes[k], model.name)) return marks[k];
  return marks[std::size(marks) - 1];
}

}  // namespace bitdarts::report
