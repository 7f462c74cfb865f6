#pragma once
#include <map>
#include <string>

#include "products/products.hpp"
#include "report/comparison.hpp"

namespace bitdarts::report {

/// The numbers behind the page, name -> text: comparison.csv, verdicts.csv (a line a searched scheme),
/// scheme.csv, losses.csv (long: stage, series, step, loss), search.csv (a column for every quantity of the
/// search), probabilities.csv (long: step, layer, tensor, candidate, probability, expected bits),
/// discretisation.csv, provenance.csv. A file without rows is left out.
std::map<std::string, std::string> csv_files(const products::Products& products,
                                             const Comparison& comparison);

}  // namespace bitdarts::report
