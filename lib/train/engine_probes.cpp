// What a rank finds out about the network by itself, or all of them alike: no gradient.
#include <algorithm>

#include "comm/stop.hpp"
#include "core/error.hpp"
#include "train/engine_impl.hpp"
#include "train/finite.hpp"

namespace bitdarts::train {
namespace {

// Values of one input site that are looked at, at most.
constexpr std::size_t sample_limit = std::size_t{1} << 17;
// What one rank passes through the network at once where no batch says it.
constexpr std::int64_t sequences_at_a_time = 8;

}  // namespace

template <class Real>
double Engine<Real>::own_loss(std::span<const Real> parameters, quant::Bank* bank, const Batch& batch,
                              const std::function<void()>& poll) {
  Impl& my = *impl_;
  at::NoGradGuard no_grad;
  my.set_effective(parameters, bank);
  model::InputQuantizers* used = my.set_quantizers(bank);
  double total = 0;
  for (std::int64_t first = 0; first < batch.sequences; first += sequences_at_a_time) {
    const std::int64_t count = std::min(sequences_at_a_time, batch.sequences - first);
    total += static_cast<double>(count) *
             my.batch_loss(batch.sampler, batch.step, first, count, used).template item<double>();
    if (poll) poll();
  }
  return total / static_cast<double>(batch.sequences);
}

template <class Real>
std::string Engine<Real>::locate_not_finite(std::span<const Real> parameters, const quant::Bank* bank,
                                            const Batch& batch) {
  Impl& my = *impl_;
  const auto& linears = my.layout.linears;
  for (const auto& p : my.layout.parameters) {
    const std::size_t bad = first_not_finite(parameters.subspan(p.begin, p.size));
    if (bad < p.size) return p.name + ", element " + std::to_string(bad);
  }
  if (bank)
    if (const auto* site = first_not_finite_site(*bank)) return label_of(*site);
  at::NoGradGuard no_grad;
  my.set_effective(parameters, nullptr);
  model::InputQuantizers probe;
  probe.sites.resize(linears.size());
  for (std::size_t l = 0; l < linears.size(); ++l) probe.of_linear.push_back(l);
  std::size_t first = linears.size() + 1;
  const std::int64_t per_shard = batch.sequences / my.shards;
  for (int local = 0; local < my.gradient_tree.local_shards(); ++local) {
    const std::int64_t shard = my.gradient_tree.first_shard() + local;
    for (auto& site : probe.sites)
      site = {.candidates = {}, .sums = {}, .sample = {}, .sample_limit = sample_limit, .pass_through = true};
    const double loss = my.batch_loss(batch.sampler, batch.step, shard * per_shard, per_shard, &probe)
                            .template item<double>();
    for (std::size_t l = 0; l < linears.size(); ++l)
      if (first_not_finite<float>(probe.sites[l].sample) < probe.sites[l].sample.size())
        first = std::min(first, l);
    if (!std::isfinite(loss)) first = std::min(first, linears.size());
  }
  first = static_cast<std::size_t>(-my.world.max(-static_cast<std::int64_t>(first)));
  if (first < linears.size()) return "the input of " + linears[first].name;
  if (first == linears.size()) return "the output head (all layers before it have finite inputs)";
  return "the quantizers (without them the loss is finite)";
}

template <class Real>
void Engine<Real>::calibrate(std::span<const Real> parameters, quant::Bank& bank,
                             const data::Sampler& sampler, std::int64_t sequences) {
  Impl& my = *impl_;
  at::NoGradGuard no_grad;
  my.set_effective(parameters, nullptr);
  model::InputQuantizers* used = my.set_quantizers(&bank);
  for (auto& site : used->sites) {
    site.pass_through = true;
    site.sample_limit = sample_limit;
    site.sample_passes =
        static_cast<std::size_t>((sequences + sequences_at_a_time - 1) / sequences_at_a_time);
  }
  for (std::int64_t first = 0; first < sequences; first += sequences_at_a_time) {
    comm::stop_if_overdue(my.world);
    my.batch_loss(sampler, 0, first, std::min(sequences_at_a_time, sequences - first), used);
  }
  for (std::size_t i = 0; i < bank.sites.size(); ++i) {
    comm::stop_if_overdue(my.world);
    const auto& site = bank.sites[i];
    if (site.role == quant::Role::input) {
      const auto& sample = used->sites[i].sample;
      if (first_not_finite<float>(sample) < sample.size()) {
        throw Error("an activation is not a finite number in the calibration", "the input of " + site.name,
                    "the weights are too large: train them with a lower learning rate");
      }
      quant::initialise_input_site(bank, site, sample);
    } else {
      const auto weight = model::weight_of(my.layout, parameters, site.layers[0]);
      const std::vector<float> single(weight.begin(), weight.end());
      quant::initialise_weight_site(bank, site, single);
    }
  }
  my.world.template broadcast_values<double>(bank.theta);
}

template double Engine<float>::own_loss(std::span<const float>, quant::Bank*, const Batch&,
                                        const std::function<void()>&);
template std::string Engine<float>::locate_not_finite(std::span<const float>, const quant::Bank*,
                                                      const Batch&);
template void Engine<float>::calibrate(std::span<const float>, quant::Bank&, const data::Sampler&,
                                       std::int64_t);
template double Engine<double>::own_loss(std::span<const double>, quant::Bank*, const Batch&,
                                         const std::function<void()>&);
template std::string Engine<double>::locate_not_finite(std::span<const double>, const quant::Bank*,
                                                       const Batch&);
template void Engine<double>::calibrate(std::span<const double>, quant::Bank&, const data::Sampler&,
                                        std::int64_t);

}  // namespace bitdarts::train
