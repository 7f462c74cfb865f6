#pragma once
// What Engine is made of: for its own source files alone.
#include <algorithm>
#include <map>
#include <optional>

#include "comm/shard_tree.hpp"
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

}  // namespace bitdarts::train
