#include "train/engine.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "comm/shard_tree.hpp"
#include "core/error.hpp"
#include "model/transformer.hpp"
#include "quant/weight_errors.hpp"
#include "train/architecture_gradient.hpp"
#include "train/finite.hpp"
#include "train/leaf_hook.hpp"

namespace bitdarts::train {
namespace {

// Values of one input site that are looked at, at most.
constexpr std::size_t sample_limit = std::size_t{1} << 17;
// What one rank passes through the network at once where no batch says it.
constexpr std::int64_t sequences_at_a_time = 8;

}  // namespace

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
  const std::size_t elements;
  comm::ShardTree<Real> gradient_tree;
  std::map<std::size_t, comm::ShardTree<double>> small_trees;  // by their number of elements
  std::span<Real> reduced;                                     // in the gradient tree
  model::InputQuantizers quantizers;
  bool in_last_backward = false;
  std::vector<LeafHook> hooks;

  // While a pass measures the Fisher error of weights: what it needs, and where a shard's numbers go.
  struct ShardErrors {
    const quant::Bank& bank;
    std::span<const Real> parameters;
    std::span<double> flat;
  };
  std::optional<ShardErrors> shard_errors;

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
        elements(layout.total + head_elements),
        gradient_tree(world, static_cast<int>(shards), elements) {
    const auto total = static_cast<std::int64_t>(elements);
    effective = at::zeros({total}, options);
    shard_gradient = at::zeros({total}, options);
    for (const auto& p : layout.parameters) leaves.push_back(leaf(p.begin, p.shape));
    if (head_elements > 0) head = leaf(layout.total, layout.parameters[layout.linear_parameter.back()].shape);
    if (on_host) announce_leaves();
  }

  // A gradient that is complete is measured while it is in the cache, and while the last local shard goes
  // backward the tree learns of it. (On the host only: on a GPU the hooks run in a thread of LibTorch's, and
  // the gradient is elsewhere.)
  void announce_leaves() {
    const auto announce = [&](const at::Tensor& tensor, std::size_t begin) {
      const std::size_t end = begin + static_cast<std::size_t>(tensor.numel());
      std::optional<std::size_t> linear;
      for (std::size_t l = 0; l < layout.linears.size(); ++l)
        if (effective_begin(l) == begin) linear = l;
      hooks.emplace_back(tensor, [this, begin, end, linear] {
        if (linear) measure_shard(*linear, shard_gradient.template data_ptr<Real>());
        if (in_last_backward) gradient_tree.ready(begin, end);
      });
    };
    for (std::size_t i = 0; i < leaves.size(); ++i) announce(leaves[i], layout.parameters[i].begin);
    if (head_elements > 0) announce(head, layout.total);
  }

  void backward_of_last(const at::Tensor& loss) {
    gradient_tree.open_last({shard_gradient.template data_ptr<Real>(), elements});
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      const auto& p = layout.parameters[i];
      if (!leaves[i].requires_grad()) gradient_tree.ready(p.begin, p.begin + p.size);
    }
    if (head_elements > 0 &&
        !transformer.shape().tied_embeddings) {  // no backward reaches what `head` replaces
      const auto& replaced = layout.parameters[layout.linear_parameter.back()];
      gradient_tree.ready(replaced.begin, replaced.begin + replaced.size);
    }
    in_last_backward = true;
    loss.backward();
    in_last_backward = false;
  }

  void backward(const at::Tensor& loss, bool last) {
    if (on_host && last) return backward_of_last(loss);
    loss.backward();
    const at::Tensor host = on_host ? shard_gradient : shard_gradient.cpu();
    if (!on_host)
      for (std::size_t l = 0; l < layout.linears.size(); ++l) measure_shard(l, host.data_ptr<Real>());
    gradient_tree.push({host.data_ptr<Real>(), elements});
  }

  void measure_shard(std::size_t linear, const Real* gradient) {
    if (!shard_errors) return;
    const auto weight = weight_of(shard_errors->parameters, linear);
    quant::measure_shard_errors<Real>(shard_errors->bank, linear, weight,
                                      {gradient + effective_begin(linear), weight.size()},
                                      shard_errors->flat);
  }

  comm::ShardTree<double>& small_tree(std::size_t count) {
    return small_trees.try_emplace(count, world, static_cast<int>(shards), count).first->second;
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
    at::Tensor host = on_host ? effective : at::empty({static_cast<std::int64_t>(elements)}, host_options);
    const std::span<Real> values(host.data_ptr<Real>(), elements);
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

  // Leaves whose gradient nobody wants are constants of this pass: embedding, norms and output head, when the
  // pass is for α and θ alone.
  void set_wanted(Wanted wanted, quant::ErrorMeasure measure) {
    std::vector<bool> wants(leaves.size(), wanted != Wanted::architecture);
    for (const std::size_t quantized : layout.linear_parameter) wants[quantized] = true;
    for (std::size_t i = 0; i < leaves.size(); ++i) leaves[i].set_requires_grad(wants[i]);
    for (auto& site : quantizers.sites) {
      site.wants_sums = wanted != Wanted::weights;
      site.measure = measure;
    }
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

  // `weight` times the mean loss of `count` sequences.
  at::Tensor batch_loss(const data::Sampler& sampler, std::int64_t step, std::int64_t first,
                        std::int64_t count, model::InputQuantizers* used, double weight = 1) {
    const std::int64_t context = transformer.shape().context;
    at::Tensor inputs = at::empty({count, context}, at::kLong),
               targets = at::empty({count, context}, at::kLong);
    const auto tokens = static_cast<std::size_t>(count * context);
    sampler.fill(step, first, count, {inputs.data_ptr<std::int64_t>(), tokens},
                 {targets.data_ptr<std::int64_t>(), tokens});
    return transformer.loss(leaves, head, inputs.to(options.device()), targets.to(options.device()), weight,
                            used);
  }

  // dL/dW~ -> dL/dW in place, with the sums of the weight sites when they are wanted. `of_shards`: the summed
  // numbers of measure_shard(), or empty.
  void finish_weights(std::span<const Real> parameters, const quant::Bank& bank, const Objective& objective,
                      std::span<const double> of_shards, Gradient<Real>& result) {
    for (std::size_t l = 0; l < layout.linears.size(); ++l) {
      const auto& site = bank.sites[bank.weight_site[l]];
      const auto weight = weight_of(parameters, l);
      const auto part = reduced.subspan(effective_begin(l), weight.size());
      if (objective.wanted == Wanted::weights) {
        quant::mixed_weight_backward_values<Real>(bank, site, weight, part, part);
      } else {
        auto& sums = result.sums[bank.weight_site[l]];
        sums = quant::mixed_weight_backward<Real>(bank, site, weight, part, part, objective.error_measure);
        if (!of_shards.empty()) quant::centre_errors(bank, l, of_shards, shards, sums);
      }
    }
  }

  // The gradient of the head's own leaf joins that of the matrix it shares.
  void join_head() {
    if (head_elements == 0) return;
    const std::size_t home = layout.parameters[layout.linear_parameter.back()].begin;
    for (std::size_t i = 0; i < head_elements; ++i) reduced[home + i] += reduced[layout.total + i];
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
    const std::int64_t shard = my.gradient_tree.first_shard() + local;
    my.shard_gradient.zero_();
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
  my.world.max_in_place(maxima);

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
  for (int local = 0; local < tree.local_shards(); ++local) {
    const std::int64_t shard = tree.first_shard() + local;
    const double part =
        my.batch_loss(batch.sampler, batch.step, shard * per_shard, per_shard, used).template item<double>();
    const double mean = part / static_cast<double>(my.shards);
    tree.push({&mean, 1});
  }
  return tree.reduce()[0];
}

template <class Real>
double Engine<Real>::own_loss(std::span<const Real> parameters, quant::Bank* bank, const Batch& batch) {
  Impl& my = *impl_;
  at::NoGradGuard no_grad;
  my.set_effective(parameters, bank);
  model::InputQuantizers* used = my.set_quantizers(bank);
  double total = 0;
  for (std::int64_t first = 0; first < batch.sequences; first += sequences_at_a_time) {
    const std::int64_t count = std::min(sequences_at_a_time, batch.sequences - first);
    total += static_cast<double>(count) *
             my.batch_loss(batch.sampler, batch.step, first, count, used).template item<double>();
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
  }
  for (std::int64_t first = 0; first < sequences; first += sequences_at_a_time) {
    my.batch_loss(sampler, 0, first, std::min(sequences_at_a_time, sequences - first), used);
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
