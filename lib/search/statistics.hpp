#pragma once
#include <cstddef>
#include <vector>

#include "quant/bank.hpp"
#include "quant/cost.hpp"

namespace bitdarts::search {

// All of these are about p without Gumbel noise.

/// L_cost of METHOD section 4 at the bank's probabilities.
quant::ExpectedCost expected_cost(const quant::Bank& bank, const quant::Cost& cost);
/// dL_cost/dα [laid out as alpha], p = softmax(α/τ).
std::vector<double> cost_gradient(const quant::Bank& bank, const quant::Cost& cost, double temperature);

/// Index of the candidate with the largest α of each site (the first of equals): the most probable one,
/// whatever Gumbel noise this step drew.
std::vector<std::size_t> argmax_by_site(const quant::Bank& bank);

/// Entropy of p [nats].
double site_entropy(const quant::Bank& bank, const quant::Site& site);
double mean_entropy(const quant::Bank& bank);

/// Expected bits over the network: weights weighted by parameters, inputs by MACs.
struct ExpectedBits {
  double weights = 0, inputs = 0;
};
ExpectedBits expected_bits(const quant::Bank& bank);

}  // namespace bitdarts::search
