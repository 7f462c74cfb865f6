// The passes of a batch: all shards, summed over the ranks.
#include "train/engine.hpp"

#include <algorithm>
#include <chrono>

#include "comm/stop.hpp"
#include "train/architecture_gradient.hpp"
#include "train/engine_impl.hpp"

namespace bitdarts::train {

namespace {

using Clock = std::chrono::steady_clock;

// Between shards the ranks agree on a stop only where a pass takes so long that it matters: each time they
// wait for each other.
bool is_slow(Clock::time_point began) { return Clock::now() - began > std::chrono::seconds(1); }

}  // namespace

template <class Real>
Engine<Real>::Engine(const comm::Communicator& world, std::int64_t shards, const model::ModelShape& shape,
                     const model::ParameterLayout& layout, const std::string& device)
    : impl_(std::make_unique<Impl>(world, shards, shape, layout, device)) {}
template <class Real>
Engine<Real>::~Engine() = default;

template <class Real>
Gradient<Real> Engine<Real>::gradient(std::span<const Real> parameters, quant::Bank* bank, const Batch& batch,
                                      const Objective& objective) {
  Impl& my = *impl_;
  const auto began = Clock::now();
  my.set_effective(parameters, bank);
  model::InputQuantizers* used = my.set_quantizers(bank);
  my.set_wanted(bank ? objective.wanted : Wanted::weights, objective.error_measure);
  const bool wants_sums = bank && objective.wanted != Wanted::weights;
  const bool wants_shards =  // one shard's gradient is the sum itself
      wants_sums && objective.error_measure == quant::ErrorMeasure::fisher && my.shards > 1;
  const std::int64_t per_shard = batch.sequences / my.shards;
  const std::size_t of_inputs = wants_sums ? quant::packed_sums_size(*bank) : 0;
  const std::size_t of_weights = wants_shards ? quant::shard_errors_size(*bank) : 0;
  comm::ShardTree<double>& statistics_tree = my.small_tree(1 + of_inputs + of_weights);
  std::vector<double> packed(1 + of_inputs + of_weights), maxima(bank ? bank->sites.size() : 1, 0.0);
  my.shard_errors.reset();
  if (wants_shards) my.shard_errors.emplace(*bank, parameters, std::span(packed).last(of_weights));

  for (int local = 0; local < my.gradient_tree.local_shards(); ++local) {
    if (my.slow_passes) comm::stop_if_overdue(my.world);
    const std::int64_t shard = my.gradient_tree.first_shard() + local;
    my.shard_gradient.clear();
    my.clear_sums();
    std::fill(packed.begin(), packed.end(), 0.0);
    const at::Tensor loss = my.batch_loss(batch.sampler, batch.step, shard * per_shard, per_shard, used,
                                          1.0 / static_cast<double>(my.shards));
    my.backward(loss, local + 1 == my.gradient_tree.local_shards());
    packed[0] = loss.template item<double>();
    if (wants_sums) {
      std::vector<quant::MixedSums> sums;
      for (const auto& site : used->sites) sums.push_back(site.sums);
      quant::pack_sums(*bank, sums, std::span(packed).subspan(1, of_inputs));
    }
    if (bank)
      for (std::size_t i = 0; i < maxima.size(); ++i)
        maxima[i] = std::max(maxima[i], used->sites[i].sums.maximum);
    statistics_tree.push(packed);
  }
  my.shard_errors.reset();
  my.reduced = my.gradient_tree.reduce();
  const std::span<const double> summed = statistics_tree.reduce();
  maxima.push_back(is_slow(began) ? 1.0 : 0.0);
  my.world.max_in_place(maxima);
  my.slow_passes = maxima.back() > 0;
  maxima.pop_back();

  Gradient<Real> result;
  result.loss = summed[0];
  result.weights = my.reduced.first(my.layout.total);
  if (bank) {
    auto inputs = wants_sums ? quant::unpack_sums(*bank, summed.subspan(1, of_inputs))
                             : std::vector<quant::MixedSums>(bank->sites.size());
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      inputs[i].maximum = maxima[i];
      result.sums.push_back({std::move(inputs[i])});
    }
    my.finish_weights(parameters, *bank, objective, summed.last(of_weights), result);
    const auto tokens = static_cast<double>(batch.sequences * my.transformer.shape().context);
    if (wants_sums) add_architecture_gradient(*bank, objective, tokens, result);
  }
  my.join_head();
  return result;
}

template <class Real>
double Engine<Real>::loss(std::span<const Real> parameters, quant::Bank* bank, const Batch& batch) {
  Impl& my = *impl_;
  at::NoGradGuard no_grad;
  my.set_effective(parameters, bank);
  model::InputQuantizers* used = my.set_quantizers(bank);
  const std::int64_t per_shard = batch.sequences / my.shards;
  comm::ShardTree<double>& tree = my.small_tree(1);
  comm::stop_if_overdue(my.world);
  for (int local = 0; local < tree.local_shards(); ++local) {
    if (my.slow_passes) comm::stop_if_overdue(my.world);
    const std::int64_t shard = tree.first_shard() + local;
    const double part =
        my.batch_loss(batch.sampler, batch.step, shard * per_shard, per_shard, used).template item<double>();
    const double mean = part / static_cast<double>(my.shards);
    tree.push({&mean, 1});
  }
  return tree.reduce()[0];
}

template class Engine<float>;
template class Engine<double>;

}  // namespace bitdarts::train
