#pragma once
#include <string>
#include <vector>

#include "quant/scheme.hpp"
#include "store/file.hpp"

namespace bitdarts::report {

/// The scheme as inline SVG: a row per block, a column per projection, and in each place the candidate of the
/// weight beside that of the input: the bits as a number on a lightness, the method as a letter in a shape on
/// a hatching. Sizes are written above a column where `layers` has them and all rows agree. `prefix`: of the
/// ids, another for each picture of a page.
std::string scheme_picture(const quant::Scheme& scheme, const std::vector<quant::LayerShape>& layers,
                           const std::string& prefix = "scheme");

/// How probability moved between the candidates of one tensor.
struct ProbabilityHistory {
  std::string layer;
  bool weight = true;
  std::vector<quant::Candidate> candidates;
  std::vector<std::vector<double>> probabilities;  ///< [records, candidates]
};

/// All histories that a searched.h5 holds, in the scheme's layer order, weights before inputs.
std::vector<ProbabilityHistory> probability_histories(const store::File& file, const quant::Scheme& scheme);

/// Small multiples in the places of scheme_picture: probabilities stacked from few bits (below) to many, over
/// the steps from left to right; a bar at the right spans the candidate that the scheme took.
std::string probability_picture(const std::vector<ProbabilityHistory>& histories,
                                const quant::Scheme& scheme);

}  // namespace bitdarts::report
