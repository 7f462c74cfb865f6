#pragma once
#include <span>

#include "report/chart.hpp"
#include "report/comparison.hpp"

namespace bitdarts::report {

/// How the schemes of one kind are drawn: of the search, of another strategy, uniform ones by their method,
/// all others.
struct ModelMark {
  const char* name;
  Ink ink;
  int shape;  ///< see Series::point
};
/// All of them, in the order of a key; mark_of gives one of these.
std::span<const ModelMark> model_marks();
const ModelMark& mark_of(const EvaluatedModel& model);

}  // namespace bitdarts::report
