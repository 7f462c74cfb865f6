#pragma once
#include "quant/bank.hpp"

// The Fisher error of weights (METHOD section 4), from the gradients of the shards of a batch.
//
// A weight is shared by all tokens, so the gradient G of the mean loss holds an average of the tokens'
// gradients, whose square is not the average square that the Fisher matrix is made of. The K shards give
// averages over fewer tokens: with G_k the contribution of shard k to G = sum_k G_k, the tokens taken as
// independent,
//   H_i = K/(K-1) (sum_k G_ki^2 - G_i^2 / K)
// is an unbiased estimate of 1/T times the variance of a token's gradient, T the tokens of the batch; for
// K = 2 it is (G_1i - G_2i)^2. It is about the mean, for the mean itself is the slope of the loss, which the
// gradient of the task follows, and no curvature. One shard knows no variance: there H_i = G_i^2.
namespace bitdarts::quant {

/// Numbers of one shard: squared_error and error_range of every channel of every candidate of all weights.
std::size_t shard_errors_size(const Bank& bank);

/// Writes the part of one layer's weight in `flat` [shard_errors_size()], from the gradient of one shard with
/// respect to the mixed weight. `weights`, `gradient`: row-major [out, in].
template <class Real>  // float, double
void measure_shard_errors(const Bank& bank, std::size_t layer, std::span<const Real> weights,
                          std::span<const Real> gradient, std::span<double> flat);

/// From `sums` of the pass over the summed gradient, measured with H = G^2, to those with H as above: `flat`
/// is the sum over the shards of what measure_shard_errors() gave. A squared error that rounding brings below
/// 0 is 0. With one shard nothing is changed.
void centre_errors(const Bank& bank, std::size_t layer, std::span<const double> flat, std::int64_t shards,
                   std::span<MixedSums> sums);

}  // namespace bitdarts::quant
