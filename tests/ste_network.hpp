#pragma once
// The whole objective of the search once more, for autograd: every quantizer at every site with
// straight-through gradients recorded, mixed with a softmax that autograd sees. A second implementation of
// what the engine computes in closed form.
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "model/functions.hpp"
#include "model/layout.hpp"
#include "quant/bank.hpp"
#include "quant/tensor_reference.hpp"

namespace ste {

using namespace bitdarts;

inline const at::TensorOptions precise = at::TensorOptions().dtype(at::kDouble);

class Network {
 public:
  /// `noise`: added to alpha (Gumbel), or empty.
  Network(const model::ModelShape& shape, const model::ParameterLayout& layout,
          const std::vector<double>& parameters, const quant::Bank& bank, double temperature,
          const std::vector<double>& noise = {})
      : shape_(shape), layout_(layout), bank_(bank) {
    weights = at::tensor(parameters, precise).set_requires_grad(true);
    alpha = at::tensor(bank.alpha, precise).set_requires_grad(true);
    theta = at::tensor(bank.theta, precise).set_requires_grad(true);
    const at::Tensor logits = (noise.empty() ? alpha : alpha + at::tensor(noise, precise)) / temperature;
    const at::Tensor quiet = alpha / temperature;  // the cost is that of p without noise
    for (const auto& site : bank.sites) {
      const auto at = static_cast<std::int64_t>(site.alpha);
      probabilities_.push_back(at::softmax(logits.narrow(0, at, count(site)), 0));
      noise_free_.push_back(at::softmax(quiet.narrow(0, at, count(site)), 0));
    }
  }

  at::Tensor weights, alpha, theta;  ///< leaves

  /// Mean negative log-likelihood of targets [batch, time].
  at::Tensor cross_entropy(const at::Tensor& inputs, const at::Tensor& targets) {
    const std::int64_t batch = inputs.size(0), time = inputs.size(1);
    at::Tensor x = at::embedding(parameter("model.embed_tokens.weight"), inputs.reshape({-1}));
    for (std::int64_t i = 0; i < shape_.layers; ++i) {
      const std::string block = "model.layers." + std::to_string(i) + ".";
      x = x + attention(block + "self_attn.", norm(x, block + "input_layernorm.weight"), batch, time);
      const at::Tensor h = norm(x, block + "post_attention_layernorm.weight");
      const at::Tensor gated =
          at::silu(linear(block + "mlp.gate_proj", h)) * linear(block + "mlp.up_proj", h);
      x = x + linear(block + "mlp.down_proj", gated);
    }
    x = norm(x, "model.norm.weight");
    const at::Tensor logits =
        layout_.linears.back().name == "lm_head"
            ? linear("lm_head", x)
            : at::matmul(
                  x, parameter(shape_.tied_embeddings ? "model.embed_tokens.weight" : "lm_head.weight").t());
    return -at::log_softmax(logits, -1).gather(1, targets.reshape({-1, 1})).mean();
  }

  /// L_err of METHOD section 4; after cross_entropy().
  at::Tensor error() const {
    at::Tensor total = at::zeros({}, precise);
    for (std::size_t l = 0; l < bank_.layers.size(); ++l) {
      total = total + site_error(bank_.weight_site[l]) + site_error(bank_.input_site[l]);
    }
    return total / (2.0 * static_cast<double>(bank_.layers.size()));
  }

  /// The Fisher error of every site and candidate, in nats per token [site][candidates]: T/2 sum H (Q - x)^2
  /// with H from autograd's gradients of the loss by everything that is mixed, shard by shard. Differentiable
  /// in theta; H and x are constants.
  std::vector<at::Tensor> fisher_errors(const at::Tensor& inputs, const at::Tensor& targets,
                                        std::int64_t shards) {
    const double k = static_cast<double>(shards), half_tokens = static_cast<double>(inputs.numel()) / 2;
    std::vector<at::Tensor> errors(bank_.sites.size(), at::zeros({}, precise));
    std::vector<at::Tensor> sum(bank_.sites.size()), squares(bank_.sites.size());
    for (std::int64_t shard = 0; shard < shards; ++shard) {
      mixtures_.clear();
      (cross_entropy(inputs.chunk(shards)[static_cast<std::size_t>(shard)],
                     targets.chunk(shards)[static_cast<std::size_t>(shard)]) /
       k)
          .backward({}, true);  // the softmax over alpha is part of every shard's graph
      for (std::size_t i = 0; i < bank_.sites.size(); ++i) {
        const at::Tensor g = mixed_gradient(i);
        if (bank_.sites[i].role == quant::Role::input) {
          errors[i] = errors[i] + half_tokens * weighted_errors(i, g.square());
        } else {
          sum[i] = shard == 0 ? g : sum[i] + g;
          squares[i] = shard == 0 ? g.square() : squares[i] + g.square();
        }
      }
    }
    for (std::size_t i = 0; i < bank_.sites.size(); ++i)
      if (bank_.sites[i].role == quant::Role::weight)
        errors[i] =
            half_tokens *
            weighted_errors(i, shards == 1 ? squares[i] : k / (k - 1) * (squares[i] - sum[i].square() / k));
    for (const auto& leaf : {weights, alpha, theta}) leaf.mutable_grad() = at::Tensor();
    return errors;
  }
  /// L_err from fisher_errors(): the sum over sites of Σ_j p_j F_j.
  at::Tensor fisher_error(const std::vector<at::Tensor>& errors) const {
    at::Tensor total = at::zeros({}, precise);
    for (std::size_t i = 0; i < errors.size(); ++i) total = total + (probabilities_[i] * errors[i]).sum();
    return total;
  }

  /// L_cost of METHOD section 4, BOPs.
  at::Tensor bops() const {
    at::Tensor total = at::zeros({}, precise);
    double full = 0;
    for (std::size_t l = 0; l < bank_.layers.size(); ++l) {
      const double macs = static_cast<double>(bank_.layers[l].out_features * bank_.layers[l].in_features);
      total = total + macs * bits(bank_.weight_site[l]) * bits(bank_.input_site[l]);
      full += 32 * 32 * macs;
    }
    return total / full;
  }

  /// dL/dθ as the search uses it: autograd's, times LSQ's g for steps and offsets, plus λ_a a^2; 0 for what
  /// is not trained.
  std::vector<double> theta_gradient(double clip_decay) const {
    std::vector<double> gradient(bank_.theta.size(), 0.0);
    const double* recorded = theta.grad().data_ptr<double>();
    for (const auto& site : bank_.sites)
      for (std::size_t j = 0; j < site.candidates.size(); ++j) {
        const auto& c = site.candidates[j];
        if (c.method == quant::Method::identity || c.method == quant::Method::uniform) continue;
        const bool lsq = c.method == quant::Method::lsq_plus;
        const double g = lsq ? 1 / std::sqrt(site.elements * quant::largest_code(c)) : 1.0;
        for (std::int64_t channel = 0; channel < site.channels; ++channel) {
          const std::size_t at = site.range_at(j, channel);
          gradient[at] = g * recorded[at] + (lsq ? 0.0 : 2 * clip_decay * bank_.theta[at]);
        }
        if (lsq && site.role == quant::Role::input) gradient[site.offset + j] = g * recorded[site.offset + j];
      }
    return gradient;
  }

 private:
  static std::int64_t count(const quant::Site& site) {
    return static_cast<std::int64_t>(site.candidates.size());
  }
  at::Tensor parameter(const std::string& name) const {
    const auto& p = layout_.named(name);
    return weights.narrow(0, static_cast<std::int64_t>(p.begin), static_cast<std::int64_t>(p.size))
        .view(p.shape);
  }
  at::Tensor norm(const at::Tensor& x, const std::string& name) const {
    return model::reference::rms_norm(x, parameter(name), shape_.norm_eps);
  }
  at::Tensor bits(std::size_t site) const {
    std::vector<double> b;
    for (const auto& c : bank_.sites[site].candidates) b.push_back(c.bits);
    return (noise_free_[site] * at::tensor(b, precise)).sum();
  }
  // Q_j, row by row of a weight when it has a range for every channel.
  at::Tensor quantized(const at::Tensor& x, const quant::Site& site, std::size_t j) const {
    const auto element = [&](std::size_t at) { return theta[static_cast<std::int64_t>(at)]; };
    const at::Tensor offset =
        site.role == quant::Role::input ? element(site.offset + j) : at::zeros({}, precise);
    if (site.channels == 1)
      return quant::quantize_with_ste(x, site.candidates[j], element(site.range_at(j, 0)), offset);
    std::vector<at::Tensor> rows;
    for (std::int64_t c = 0; c < site.channels; ++c)
      rows.push_back(
          quant::quantize_with_ste(x[c], site.candidates[j], element(site.range_at(j, c)), offset));
    return at::stack(rows);
  }
  at::Tensor mixed(const at::Tensor& x, std::size_t at) {
    const auto& site = bank_.sites[at];
    seen_[at] = x.detach();
    at::Tensor sum = at::zeros_like(x);
    for (std::size_t j = 0; j < site.candidates.size(); ++j)
      sum = sum + probabilities_[at][static_cast<std::int64_t>(j)] * quantized(x, site, j);
    if (sum.requires_grad()) sum.retain_grad();
    mixtures_[at].push_back(sum);
    return sum;
  }
  // Of the last loss that went backward; of a shared input, of all that read it.
  at::Tensor mixed_gradient(std::size_t at) const {
    at::Tensor sum = at::zeros_like(seen_.at(at));
    for (const auto& mixture : mixtures_.at(at)) sum = sum + mixture.grad();
    return sum;
  }
  at::Tensor weighted_errors(std::size_t at, const at::Tensor& h) const {
    const auto& site = bank_.sites[at];
    std::vector<at::Tensor> errors;
    for (std::size_t j = 0; j < site.candidates.size(); ++j)
      errors.push_back((h * (quantized(seen_.at(at), site, j) - seen_.at(at)).square()).sum());
    return at::stack(errors);
  }
  at::Tensor site_error(std::size_t at) const {
    const auto& site = bank_.sites[at];
    const at::Tensor& x = seen_.at(at);
    at::Tensor error = at::zeros({}, precise);
    for (std::size_t j = 0; j < site.candidates.size(); ++j)
      error = error +
              probabilities_[at][static_cast<std::int64_t>(j)] * (quantized(x, site, j) - x).square().mean();
    return error / (x.square().mean() + 1e-12);
  }
  at::Tensor linear(const std::string& name, const at::Tensor& x) {
    std::size_t l = 0;
    while (layout_.linears[l].name != name) ++l;
    const std::string& weight = layout_.parameters[layout_.linear_parameter[l]].name;
    return at::matmul(mixed(x, bank_.input_site[l]), mixed(parameter(weight), bank_.weight_site[l]).t());
  }
  at::Tensor attention(const std::string& name, const at::Tensor& x, std::int64_t batch, std::int64_t time) {
    const std::int64_t size = shape_.head_size(), group = shape_.heads / shape_.kv_heads;
    const at::Tensor frequency =
        at::pow(shape_.rope_theta, -at::arange(0, size, 2, precise) / static_cast<double>(size));
    const at::Tensor angle = at::outer(at::arange(time, precise), frequency),
                     both = at::cat({angle, angle}, -1);
    const auto rotated = [&](const at::Tensor& y, std::int64_t heads) {
      return model::reference::apply_rotary(y.view({batch, time, heads, size}), at::cos(both), at::sin(both));
    };
    const at::Tensor q = rotated(linear(name + "q_proj", x), shape_.heads);
    const at::Tensor k = rotated(linear(name + "k_proj", x), shape_.kv_heads).repeat_interleave(group, 1);
    const at::Tensor v = linear(name + "v_proj", x)
                             .view({batch, time, shape_.kv_heads, size})
                             .transpose(1, 2)
                             .repeat_interleave(group, 1);
    const at::Tensor later = at::ones({time, time}, precise).triu(1).to(at::kBool);
    const at::Tensor scores = at::matmul(q, k.transpose(-2, -1)) / std::sqrt(static_cast<double>(size));
    const at::Tensor share = at::softmax(scores.masked_fill(later, -INFINITY), -1);
    return linear(name + "o_proj", at::matmul(share, v).transpose(1, 2).reshape({batch * time, shape_.dim}));
  }

  const model::ModelShape& shape_;
  const model::ParameterLayout& layout_;
  quant::Bank bank_;
  std::vector<at::Tensor> probabilities_, noise_free_;
  std::map<std::size_t, at::Tensor> seen_;
  std::map<std::size_t, std::vector<at::Tensor>> mixtures_;  // of each site, as often as it was read
};

}  // namespace ste
