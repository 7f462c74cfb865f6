#pragma once
#include <string>

#include "products/products.hpp"

namespace bitdarts::products {

/// Takes out of `products` what an earlier run left below baselines/, and names it in products.left: every
/// folder that is none of config::baselines_of(). The configuration is `given`; where that says nothing but
/// where products lie (bitdarts-report --out DIR), it is that of the newest product that is of the run by its
/// own configuration; where no product has one that this program reads, those schemes go whose search is not
/// the one that lies there.
void leave_out_earlier_runs(Products& products, const config::Config& given);

/// products.left as a sentence; empty when nothing was left.
std::string left_in_words(const Products& products);

}  // namespace bitdarts::products
