#pragma once
#include <cstddef>
#include <vector>

#include "quant/bank.hpp"
#include "quant/cost.hpp"

namespace bitdarts::search {

/// L_cost of METHOD section 4 at the bank's probabilities.
quant::ExpectedCost expected_cost(const quant::Bank& bank, quant::CostKind kind);

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
