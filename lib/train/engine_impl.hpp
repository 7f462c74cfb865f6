#pragma once
// What Engine is made of: for its own source files alone.
#include <algorithm>
#include <map>
#include <optional>

#include "comm/shard_tree.hpp"
#include "model/effective_weights.hpp"
#include "model/transformer.hpp"
#include "quant/weight_errors.hpp"
#include "train/engine.hpp"
#include "train/leaf_hook.hpp"

namespace bitdarts::train {

template <class Real>
struct Engine<Real>::Impl {
  const comm::Communicator& world;
  const std::int64_t shards;
  const model::ParameterLayout layout;
  const at::TensorOptions options;
  const model::Transformer transformer;

  // The parameters as the network sees them (mixed where quantized), and the gradient of one shard: flat,
  // with one leaf per parameter as a view. A quantized output head has its own leaf behind the parameters.
  const std::size_t elements;
  model::ParameterBuffer<Real> effective, shard_gradient;
  std::vector<at::Tensor> leaves;
  at::Tensor head;
  comm::ShardTree<Real> gradient_tree;
  std::map<std::size_t, comm::ShardTree<double>> small_trees;  // by their number of elements
  std::span<Real> reduced;                                     // in the gradient tree
  model::InputQuantizers quantizers;
  bool in_last_backward = false;
  bool slow_passes = true;  // the same on every rank: is a pass long enough to look for signals within?
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
        options(at::TensorOptions()
                    .dtype(c10::CppTypeToScalarType<Real>::value)
                    .device(device == "cpu" ? at::kCPU : at::kCUDA)),
        transformer(shape, layout, options),
        elements(model::effective_size(layout)),
        effective(elements, options.device()),
        shard_gradient(elements, options.device()),
        gradient_tree(world, static_cast<int>(shards), elements) {
    for (const auto& p : layout.parameters) leaves.push_back(leaf(p.begin, p.shape));
    if (layout.quantized_head) head = leaf(layout.total, layout.weight(*layout.quantized_head).shape);
    if (effective.on_host()) announce_leaves();
  }

  // A gradient that is complete is measured while it is in the cache, and while the last local shard goes
  // backward the tree learns of it. (On the host only: on a GPU the hooks run in a thread of LibTorch's, and
  // the gradient is elsewhere.)
  void announce_leaves() {
    const auto announce = [&](const at::Tensor& tensor, std::size_t begin) {
      const std::size_t end = begin + static_cast<std::size_t>(tensor.numel());
      std::optional<std::size_t> linear;
      for (std::size_t l = 0; l < layout.linears.size(); ++l)
        if (model::effective_begin(layout, l) == begin) linear = l;
      hooks.emplace_back(tensor, [this, begin, end, linear] {
        if (linear) measure_shard(*linear, shard_gradient.on_host_now().template data_ptr<Real>());
        if (in_last_backward) gradient_tree.ready(begin, end);
      });
    };
    for (std::size_t i = 0; i < leaves.size(); ++i) announce(leaves[i], layout.parameters[i].begin);
    if (layout.quantized_head) announce(head, layout.total);
  }

  void backward_of_last(const at::Tensor& loss) {
    gradient_tree.open_last({shard_gradient.on_host_now().template data_ptr<Real>(), elements});
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      const auto& p = layout.parameters[i];
      if (!leaves[i].requires_grad()) gradient_tree.ready(p.begin, p.begin + p.size);
    }
    if (layout.quantized_head &&
        layout.output != layout.embedding) {  // no backward reaches what `head` replaces
      const auto& replaced = layout.parameters[layout.output];
      gradient_tree.ready(replaced.begin, replaced.begin + replaced.size);
    }
    in_last_backward = true;
    loss.backward();
    in_last_backward = false;
  }

  void backward(const at::Tensor& loss, bool last) {
    if (effective.on_host() && last) return backward_of_last(loss);
    loss.backward();
    const at::Tensor host = shard_gradient.on_host_now();
    if (!effective.on_host())
      for (std::size_t l = 0; l < layout.linears.size(); ++l) measure_shard(l, host.data_ptr<Real>());
    gradient_tree.push({host.data_ptr<Real>(), elements});
  }

  void measure_shard(std::size_t linear, const Real* gradient) {
    if (!shard_errors) return;
    const auto weight = model::weight_of(layout, shard_errors->parameters, linear);
    quant::measure_shard_errors<Real>(shard_errors->bank, linear, weight,
                                      {gradient + model::effective_begin(layout, linear), weight.size()},
                                      shard_errors->flat);
  }

  comm::ShardTree<double>& small_tree(std::size_t count) {
    return small_trees.try_emplace(count, world, static_cast<int>(shards), count).first->second;
  }

  at::Tensor leaf(std::size_t begin, const std::vector<std::int64_t>& shape) {
    at::Tensor tensor = effective.view(begin, shape).detach().set_requires_grad(true);
    tensor.mutable_grad() = shard_gradient.view(begin, shape);
    return tensor;
  }

  void set_effective(std::span<const Real> parameters, quant::Bank* bank) {
    effective.fill(
        [&](std::span<Real> values) { model::make_effective<Real>(layout, parameters, bank, values); });
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
    quantizers = model::input_quantizers(*bank);
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
      const auto weight = model::weight_of(layout, parameters, l);
      const auto part = reduced.subspan(model::effective_begin(layout, l), weight.size());
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
    if (!layout.quantized_head) return;
    const auto& home = layout.weight(*layout.quantized_head);
    for (std::size_t i = 0; i < home.size; ++i) reduced[home.begin + i] += reduced[layout.total + i];
  }
};

}  // namespace bitdarts::train
