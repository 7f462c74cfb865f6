#pragma once
#include <vector>

#include "products/products.hpp"
#include "report/chart.hpp"
#include "report/comparison.hpp"

namespace bitdarts::report {

// The charts of the page, from whatever products there are; a chart without data is not in the list.

/// Training and validation loss of pretraining, search and finetuning, and the validation of all finetunings
/// in one.
std::vector<Chart> loss_charts(const products::Products& products);

/// Cost against the budget and its ramp, the coefficients, expected bits, entropy and quantization error over
/// the search.
std::vector<Chart> search_charts(const products::Product& searched);

/// Perplexity over cost, every evaluated scheme a point whose shape tells its kind: a line through the
/// searched schemes where there are several, and a dotted stair along the best comparable rival at each cost
/// or below.
Chart comparison_chart(const Comparison& comparison);

}  // namespace bitdarts::report
