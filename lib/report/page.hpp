#pragma once
#include <string>

#include "products/products.hpp"
#include "report/comparison.hpp"

namespace bitdarts::report {

/// The HTML page about everything in `products`; draws the charts with gnuplot. What is missing is left out,
/// and said so.
std::string report_page(const products::Products& products, const Comparison& comparison,
                        const std::string& name);

}  // namespace bitdarts::report
