#pragma once
#include <string>

#include "products/products.hpp"
#include "report/comparison.hpp"

namespace bitdarts::report {

// The parts of the page, as HTML; each is empty when there is nothing to say.

/// The verdict in words, and the numbers that people look for first.
std::string summary_html(const Comparison& comparison);
std::string comparison_html(const Comparison& comparison);
/// The scheme picture, and how often each candidate was taken.
std::string scheme_html(const products::Products& products);
std::string search_html(const products::Products& products);
std::string loss_html(const products::Products& products);
/// Full precision, mixed, discrete, before and after finetuning.
std::string discretisation_html(const products::Products& products);
std::string protocol_html(const products::Products& products);
std::string provenance_html(const products::Products& products);

/// One line of the discretisation gap.
struct GapStep {
  std::string name;
  double loss;  ///< nats per token on validation batches of the search part
};
std::vector<GapStep> discretisation_gap(const products::Products& products);

/// The model that was searched, or that was finetuned when nothing was searched: whoever holds a scheme of
/// this run.
const products::Product* scheme_holder(const products::Products& products);

}  // namespace bitdarts::report
