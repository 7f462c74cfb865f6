#include "train/engine.hpp"

#include <algorithm>
#include <cmath>

#include "comm/shard_tree.hpp"
#include "core/error.hpp"
#include "model/transformer.hpp"
#include "train/finite.hpp"

namespace bitdarts::train {

template <class Real>
struct Engine<Real>::Impl {
  const comm::Communicator& world;
  const std::int64_t shards;
  const model::ParameterLayout layout;
  const bool on_host;
  const at::TensorOptions host_options, options;
  const model::Transformer transformer;

  // The parameters as the network sees them (mixed where quantized), and the gradient of one shard: flat,
  // with one leaf per parameter as a view. A quantized output head has its own leaf behind the parameters.
  const std::size_t head_elements;
  at::Tensor effective, shard_gradient;
  std::vector<at::Tensor> leaves;
  at::Tensor head;
  comm::ShardTree<Real> gradient_tree;
  std::vector<Real> reduced;
  model::InputQuantizers quantizers;

  Impl(const comm::Communicator& w, std::int64_t k, const model::ModelShape& shape,
       const model::ParameterLayout& l, const std::string& device)
      : world(w),
        shards(k),
        layout(l),
        on_host(device == "cpu"),
        host_options(at::TensorOptions().dtype(c10::CppTypeToScalarType<Real>::value)),
        options(host_options.device(on_host ? at::kCPU : at::kCUDA)),
        transformer(shape, layout, options),
        head_elements(head_size(layout)),
        gradient_tree(world, static_cast<int>(shards), layout.total + head_elements),
        reduced(layout.total + head_elements) {
    const auto total = static_cast<std::int64_t>(reduced.size());
    effective = at::zeros({total}, options);
    shard_gradient = at::zeros({total}, options);
    for (const auto& p : layout.parameters) leaves.push_back(leaf(p.begin, p.shape));
    if (head_elements > 0) head = leaf(layout.total, layout.parameters[layout.linear_parameter.back()].shape);
  }

  static std::size_t head_size(const model::ParameterLayout& layout) {
    const bool quantized = !layout.linears.empty() && layout.linears.back().name == "lm_head";
    return quantized ? static_cast<std::size_t>(layout.linears.back().parameters()) : 0;
  }

  at::Tensor leaf(std::size_t begin, const std::vector<std::int64_t>& shape) {
    std::int64_t size = 1;
    for (const auto n : shape) size *= n;
    const auto at_begin = static_cast<std::int64_t>(begin);
    at::Tensor tensor = effective.narrow(0, at_begin, size).view(shape).detach().set_requires_grad(true);
    tensor.mutable_grad() = shard_gradient.narrow(0, at_begin, size).view(shape);
    return tensor;
  }

  // Where the weight of a quantized layer stands in `effective`.
  std::size_t effective_begin(std::size_t linear) const {
    const bool is_head = head_elements > 0 && linear + 1 == layout.linears.size();
    return is_head ? layout.total : layout.parameters[layout.linear_parameter[linear]].begin;
  }

  std::span<const Real> weight_of(std::span<const Real> parameters, std::size_t linear) const {
    const auto& p = layout.parameters[layout.linear_parameter[linear]];
    return parameters.subspan(p.begin, p.size);
  }

  void set_effective(std::span<const Real> parameters, quant::Bank* bank) {
    at::NoGradGuard no_grad;
    at::Tensor host =
        on_host ? effective : at::empty({static_cast<std::int64_t>(reduced.size())}, host_options);
    const std::span<Real> values(host.data_ptr<Real>(), reduced.size());
    std::copy(parameters.begin(), parameters.end(), values.begin());
    if (bank) {
      for (std::size_t l = 0; l < layout.linears.size(); ++l) {
        const auto& site = bank->sites[bank->weight_site[l]];
        const auto weight = weight_of(parameters, l);
        quant::refresh_weight_maxima<Real>(*bank, site, weight);
        quant::mix_weights<Real>(*bank, site, weight, values.subspan(effective_begin(l), weight.size()));
      }
    } else if (head_elements > 0) {
      const auto weight = weight_of(parameters, layout.linears.size() - 1);
      std::copy(weight.begin(), weight.end(), values.begin() + static_cast<std::ptrdiff_t>(layout.total));
    }
    if (!on_host) effective.copy_(host);
  }

  model::InputQuantizers* set_quantizers(const quant::Bank* bank) {
    if (!bank) return nullptr;
    quantizers.sites.assign(bank->sites.size(), {});
    quantizers.of_linear = bank->input_site;
    for (std::size_t i = 0; i < bank->sites.size(); ++i) {
      if (bank->sites[i].role == quant::Role::input) {
        quantizers.sites[i].candidates = quant::bound_candidates<double>(*bank, bank->sites[i]);
      }
    }
    return &quantizers;
  }

  void clear_sums() {
    for (auto& site : quantizers.sites) {
      site.sums = {};
      site.sums.candidates.resize(site.candidates.size());
    }
  }

  at::Tensor batch_loss(const data::Sampler& sampler, std::int64_t step, std::int64_t first,
                        std::int64_t count, model::InputQuantizers* used) {
    const std::int64_t context = transformer.shape().context;
    at::Tensor inputs = at::empty({count, context}, at::kLong),
               targets = at::empty({count, context}, at::kLong);
    const auto elements = static_cast<std::size_t>(count * context);
    sampler.fill(step, first, count, {inputs.data_ptr<std::int64_t>(), elements},
                 {targets.data_ptr<std::int64_t>(), elements});
    const at::Tensor logits = transformer.logits(leaves, head, inputs.to(options.device()), used);
    return model::cross_entropy(logits, targets.view({-1}).to(options.device()));
  }

  void push_shard_gradient() {
    const at::Tensor host = on_host ? shard_gradient : shard_gradient.cpu();
    gradient_tree.push({host.data_ptr<Real>(), reduced.size()});
  }

  // dL/dW~ -> dL/dW in place, and the gradients of α and θ from all sums.
  void finish(std::span<const Real> parameters, const quant::Bank& bank, const Objective& objective,
              Gradient<Real>& result) {
    result.alpha.assign(bank.alpha.size(), 0.0);
    result.theta.assign(bank.theta.size(), 0.0);
    const std::span<Real> all(reduced);
    for (std::size_t l = 0; l < layout.linears.size(); ++l) {
      const auto& site = bank.sites[bank.weight_site[l]];
      const auto weight = weight_of(parameters, l);
      const auto part = all.subspan(effective_begin(l), weight.size());
      result.sums[bank.weight_site[l]] = quant::mixed_weight_backward<Real>(bank, site, weight, part, part);
      const std::size_t home = layout.parameters[layout.linear_parameter[l]].begin;
      if (home != effective_begin(l)) {  // the head's gradient joins that of the matrix it shares
        for (std::size_t i = 0; i < part.size(); ++i) all[home + i] += part[i];
      }
    }
    const double sites = 2.0 * static_cast<double>(layout.linears.size());
    for (std::size_t i = 0; i < bank.sites.size(); ++i) {
      const auto& site = bank.sites[i];
      const double share = static_cast<double>(site.layers.size()) / sites;
      result.error += share * quant::relative_error(bank, site, result.sums[i]);
      quant::add_site_gradients(bank, site, result.sums[i],
                                {.error_weight = objective.error_weight * share,
                                 .clip_decay = objective.clip_decay,
                                 .temperature = objective.temperature,
                                 .task_gradient = true},
                                result.alpha, result.theta);
    }
  }
};

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
  my.set_effective(parameters, bank);
  model::InputQuantizers* used = my.set_quantizers(bank);
  const std::int64_t per_shard = batch.sequences / my.shards;
  const std::size_t statistics = 1 + (bank ? quant::packed_sums_size(*bank) : 0);
  comm::ShardTree<double> statistics_tree(my.world, static_cast<int>(my.shards), statistics);
  std::vector<double> packed(statistics), maxima(bank ? bank->sites.size() : 1, 0.0),
      shard_maxima(maxima.size());

  for (int local = 0; local < my.gradient_tree.local_shards(); ++local) {
    const std::int64_t shard = my.gradient_tree.first_shard() + local;
    my.shard_gradient.zero_();
    my.clear_sums();
    const at::Tensor loss = my.batch_loss(batch.sampler, batch.step, shard * per_shard, per_shard, used) /
                            static_cast<double>(my.shards);
    loss.backward();
    my.push_shard_gradient();
    packed[0] = loss.template item<double>();
    if (bank) {
      std::vector<quant::MixedSums> sums;
      for (const auto& site : used->sites) sums.push_back(site.sums);
      quant::pack_sums(*bank, sums, std::span(packed).subspan(1), shard_maxima);
      for (std::size_t i = 0; i < maxima.size(); ++i) maxima[i] = std::max(maxima[i], shard_maxima[i]);
    }
    statistics_tree.push(packed);
  }
  my.gradient_tree.reduce(my.reduced);
  statistics_tree.reduce(packed);
  my.world.max_in_place(maxima);

  Gradient<Real> result;
  result.loss = packed[0];
  result.weights = std::span<Real>(my.reduced).first(my.layout.total);
  if (bank) {
    result.sums.resize(bank->sites.size());
    auto inputs = quant::unpack_sums(*bank, std::span(packed).subspan(1), maxima);
    for (std::size_t i = 0; i < inputs.size(); ++i) result.sums[i] = {std::move(inputs[i])};
    my.finish(parameters, *bank, objective, result);
  } else if (my.head_elements > 0) {
    const std::size_t home = my.layout.parameters[my.layout.linear_parameter.back()].begin;
    for (std::size_t i = 0; i < my.head_elements; ++i)
      my.reduced[home + i] += my.reduced[my.layout.total + i];
  }
  return result;
}

template <class Real>
double Engine<Real>::loss(std::span<const Real> parameters, quant::Bank* bank, const Batch& batch) {
  Impl& my = *impl_;
  at::NoGradGuard no_grad;
  my.set_effective(parameters, bank);
  model::InputQuantizers* used = my.set_quantizers(bank);
  const std::int64_t per_shard = batch.sequences / my.shards;
  comm::ShardTree<double> tree(my.world, static_cast<int>(my.shards), 1);
  for (int local = 0; local < tree.local_shards(); ++local) {
    const std::int64_t shard = tree.first_shard() + local;
    const double part =
        my.batch_loss(batch.sampler, batch.step, shard * per_shard, per_shard, used).template item<double>();
    const double mean = part / static_cast<double>(my.shards);
    tree.push({&mean, 1});
  }
  double total = 0;
  tree.reduce({&total, 1});
  return total;
}

template <class Real>
std::string Engine<Real>::locate_not_finite(std::span<const Real> parameters, const quant::Bank* bank,
                                            const Batch& batch) {
  constexpr std::size_t sample_limit = std::size_t{1} << 17;
  Impl& my = *impl_;
  const auto& linears = my.layout.linears;
  for (const auto& p : my.layout.parameters) {
    const std::size_t bad = first_not_finite(parameters.subspan(p.begin, p.size));
    if (bad < p.size) return p.name + ", element " + std::to_string(bad);
  }
  if (bank) {
    for (const auto& site : bank->sites)
      for (std::size_t i = site.range; i < site.offset + site.candidates.size(); ++i)
        if (!std::isfinite(bank->theta[i])) return label_of(site);
  }
  at::NoGradGuard no_grad;
  my.set_effective(parameters, nullptr);
  model::InputQuantizers probe;
  probe.sites.resize(linears.size());
  for (std::size_t l = 0; l < linears.size(); ++l) probe.of_linear.push_back(l);
  std::size_t first = linears.size() + 1;
  const std::int64_t per_shard = batch.sequences / my.shards, local = my.shards / my.world.size();
  for (std::int64_t shard = my.world.rank() * local; shard < (my.world.rank() + 1) * local; ++shard) {
    for (auto& site : probe.sites) {
      site = {};
      site.pass_through = true;
      site.sample_limit = sample_limit;
    }
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
  constexpr std::size_t sample_limit = std::size_t{1} << 17;
  Impl& my = *impl_;
  at::NoGradGuard no_grad;
  my.set_effective(parameters, nullptr);
  model::InputQuantizers* used = my.set_quantizers(&bank);
  for (auto& site : used->sites) {
    site.pass_through = true;
    site.sample_limit = sample_limit;
  }
  constexpr std::int64_t at_a_time = 8;
  for (std::int64_t first = 0; first < sequences; first += at_a_time) {
    my.batch_loss(sampler, 0, first, std::min(at_a_time, sequences - first), used);
  }
  for (std::size_t i = 0; i < bank.sites.size(); ++i) {
    const auto& site = bank.sites[i];
    if (site.role == quant::Role::input) {
      const auto& sample = used->sites[i].sample;
      if (first_not_finite<float>(sample) < sample.size()) {
        throw Error("an activation is not a finite number in the calibration", "the input of " + site.name,
                    "the weights are too large: train them with a lower learning rate");
      }
      quant::initialise_input_site(bank, site, sample);
    } else {
      const auto weight = my.weight_of(parameters, site.layers[0]);
      const std::vector<float> single(weight.begin(), weight.end());
      quant::initialise_weight_site(bank, site, single);
    }
  }
  my.world.template broadcast_values<double>(bank.theta);
}

template class Engine<float>;
template class Engine<double>;

}  // namespace bitdarts::train
