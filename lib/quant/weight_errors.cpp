#include "quant/weight_errors.hpp"

namespace bitdarts::quant {
namespace {

constexpr std::size_t numbers_per_candidate = 2;

std::size_t size_of(const Site& site) {
  return numbers_per_candidate * site.candidates.size() * static_cast<std::size_t>(site.channels);
}
const Site& weight_site(const Bank& bank, std::size_t layer) { return bank.sites[bank.weight_site[layer]]; }

std::size_t begin_of(const Bank& bank, std::size_t layer) {
  std::size_t begin = 0;
  for (std::size_t l = 0; l < layer; ++l) begin += size_of(weight_site(bank, l));
  return begin;
}

}  // namespace

std::size_t shard_errors_size(const Bank& bank) { return begin_of(bank, bank.weight_site.size()); }

template <class Real>
void measure_shard_errors(const Bank& bank, std::size_t layer, std::span<const Real> weights,
                          std::span<const Real> gradient, std::span<double> flat) {
  const Site& site = weight_site(bank, layer);
  const std::size_t row = weights.size() / static_cast<std::size_t>(site.channels);
  std::size_t at = begin_of(bank, layer);
  for (std::int64_t c = 0; c < site.channels; ++c) {
    const std::size_t first = static_cast<std::size_t>(c) * row;
    MixedSums sums;
    mixed_weighted_errors<Real>(weights.subspan(first, row), gradient.subspan(first, row),
                                bound_candidates<Real>(bank, site, c), sums);
    for (const auto& candidate : sums.candidates) {
      flat[at++] = candidate.squared_error;
      flat[at++] = candidate.error_range;
    }
  }
}

void centre_errors(const Bank& bank, std::size_t layer, std::span<const double> flat, std::int64_t shards,
                   std::span<MixedSums> sums) {
  if (shards == 1) return;
  const double k = static_cast<double>(shards);
  const auto centred = [k](double of_shards, double of_sum) {
    return k / (k - 1) * (of_shards - of_sum / k);
  };
  std::size_t at = begin_of(bank, layer);
  for (auto& channel : sums)
    for (auto& candidate : channel.candidates) {
      // The identity makes no error; a NaN stays one.
      const double squared = centred(flat[at++], candidate.squared_error);
      candidate.squared_error = squared < 0 ? 0 : squared;
      candidate.error_range = centred(flat[at++], candidate.error_range);
    }
}

template void measure_shard_errors<float>(const Bank&, std::size_t, std::span<const float>,
                                          std::span<const float>, std::span<double>);
template void measure_shard_errors<double>(const Bank&, std::size_t, std::span<const double>,
                                           std::span<const double>, std::span<double>);

}  // namespace bitdarts::quant
