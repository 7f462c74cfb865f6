#pragma once
#include <string>
#include <vector>

#include "report/comparison.hpp"

namespace bitdarts::report {

/// One number of an evaluated model, as every table has it: the name of its column in CSV files, where it
/// stands exactly, and the title and the form in which people read it, on pages and terminals.
struct Measure {
  std::string key;    ///< "mean_weight_bits"
  std::string title;  ///< "bits per weight"
  double EvaluatedModel::*value;
  std::string (*form)(double number);

  double of(const EvaluatedModel& model) const { return model.*value; }
  std::string shown(const EvaluatedModel& model) const { return form(of(model)); }
};

/// All that an evaluation measures, in the order of CSV files. What a scheme may cost or was trained on is
/// none.
const std::vector<Measure>& measures();
/// That of a number; Error when it is none.
const Measure& measure_of(double EvaluatedModel::*value);

}  // namespace bitdarts::report
