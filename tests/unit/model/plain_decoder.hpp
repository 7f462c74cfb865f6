#pragma once
// The decoder of Touvron et al. 2023 once more, in loops over doubles that can be followed by hand.
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "model/layout.hpp"

namespace plain {

using bitdarts::model::ModelShape;
using bitdarts::model::ParameterLayout;
using Row = std::vector<double>;
using Rows = std::vector<Row>;

class Decoder {
 public:
  Decoder(const ModelShape& shape, const ParameterLayout& layout, std::span<const double> parameters)
      : shape_(shape), layout_(layout), parameters_(parameters) {}

  /// Logits of one sequence, [time][vocab].
  Rows logits(const std::vector<std::int64_t>& tokens) const {
    Rows x;
    for (const auto token : tokens) x.push_back(row_of("model.embed_tokens.weight", token, shape_.dim));
    for (std::int64_t block = 0; block < shape_.layers; ++block) {
      const std::string name = "model.layers." + std::to_string(block) + ".";
      add(x, attention(name + "self_attn.", normed(x, name + "input_layernorm.weight")));
      add(x, feed_forward(name + "mlp.", normed(x, name + "post_attention_layernorm.weight")));
    }
    x = normed(x, "model.norm.weight");
    return product(x, shape_.tied_embeddings ? "model.embed_tokens.weight" : "lm_head.weight");
  }

 private:
  std::span<const double> values(const std::string& name) const {
    const auto& p = layout_.named(name);
    return parameters_.subspan(p.begin, p.size);
  }
  Row row_of(const std::string& name, std::int64_t row, std::int64_t width) const {
    const auto part =
        values(name).subspan(static_cast<std::size_t>(row * width), static_cast<std::size_t>(width));
    return {part.begin(), part.end()};
  }
  static void add(Rows& x, const Rows& y) {
    for (std::size_t t = 0; t < x.size(); ++t)
      for (std::size_t i = 0; i < x[t].size(); ++i) x[t][i] += y[t][i];
  }
  static double dot(const double* a, const double* b, std::size_t n) {
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += a[i] * b[i];
    return sum;
  }

  // Over `size` neighbours at a time; 0: over the whole row.
  Rows normed(const Rows& x, const std::string& name, std::size_t size = 0) const {
    const auto weight = values(name);
    Rows y = x;
    for (auto& row : y) {
      const std::size_t n = size > 0 ? size : row.size();
      for (double* part = row.data(); part < row.data() + row.size(); part += n) {
        const double mean_square = dot(part, part, n) / static_cast<double>(n);
        for (std::size_t i = 0; i < n; ++i) part[i] *= weight[i] / std::sqrt(mean_square + shape_.norm_eps);
      }
    }
    return y;
  }
  // q, k or v: a product, a bias where the model has one, and of q and k a norm over each head.
  Rows projected(const Rows& x, const std::string& name) const {
    Rows y = product(x, name + "_proj.weight");
    if (shape_.qkv_bias) {
      const auto bias = values(name + "_proj.bias");
      for (auto& row : y)
        for (std::size_t i = 0; i < row.size(); ++i) row[i] += bias[i];
    }
    if (!shape_.qk_norm || name.ends_with("v")) return y;
    return normed(y, name + "_norm.weight", static_cast<std::size_t>(shape_.head_size()));
  }
  // y = x W^T, W [out, in] row-major.
  Rows product(const Rows& x, const std::string& name) const {
    const auto weight = values(name);
    Rows y;
    for (const auto& row : x) {
      y.emplace_back();
      for (std::size_t at = 0; at < weight.size(); at += row.size())
        y.back().push_back(dot(row.data(), weight.data() + at, row.size()));
    }
    return y;
  }
  // Pairs (i, i + size/2) turn by the angle t theta^(-2i/size), or slower where the frequencies are scaled.
  void rotate(double* head, std::size_t size, std::size_t t) const {
    for (std::size_t i = 0; i < size / 2; ++i) {
      double frequency =
          std::pow(shape_.rope_theta, -2.0 * static_cast<double>(i) / static_cast<double>(size));
      const auto& scaling = shape_.rope_scaling;
      if (scaling.kind == bitdarts::model::RopeScaling::Kind::linear) frequency /= scaling.factor;
      if (scaling.kind ==
          bitdarts::model::RopeScaling::Kind::llama3) {  // as the public code of Llama 3.1 has it
        const auto context = static_cast<double>(scaling.original_context);
        const double wave = 2 * 3.14159265358979323846 / frequency;
        if (wave > context / scaling.low_frequency_factor) {
          frequency /= scaling.factor;
        } else if (wave > context / scaling.high_frequency_factor) {
          const double smooth = (context / wave - scaling.low_frequency_factor) /
                                (scaling.high_frequency_factor - scaling.low_frequency_factor);
          frequency = (1 - smooth) * frequency / scaling.factor + smooth * frequency;
        }
      }
      const double angle = static_cast<double>(t) * frequency;
      const double a = head[i], b = head[i + size / 2];
      head[i] = a * std::cos(angle) - b * std::sin(angle);
      head[i + size / 2] = b * std::cos(angle) + a * std::sin(angle);
    }
  }
  Rows attention(const std::string& name, const Rows& x) const {
    const auto size = static_cast<std::size_t>(shape_.head_size());
    const auto heads = static_cast<std::size_t>(shape_.heads);
    const auto group = static_cast<std::size_t>(shape_.heads / shape_.kv_heads);
    Rows q = projected(x, name + "q"), k = projected(x, name + "k"), v = projected(x, name + "v"),
         out(x.size(), Row(heads * size, 0.0));
    for (std::size_t t = 0; t < x.size(); ++t) {
      for (std::size_t h = 0; h < heads; ++h) rotate(&q[t][h * size], size, t);
      for (std::size_t h = 0; h < heads / group; ++h) rotate(&k[t][h * size], size, t);
    }
    for (std::size_t h = 0; h < heads; ++h) {
      const std::size_t from = h / group * size;  // the key-value head that query head h reads
      for (std::size_t t = 0; t < x.size(); ++t) {
        Row share;
        double total = 0;
        for (std::size_t s = 0; s <= t; ++s) {
          share.push_back(
              std::exp(dot(&q[t][h * size], &k[s][from], size) / std::sqrt(static_cast<double>(size))));
          total += share.back();
        }
        for (std::size_t s = 0; s <= t; ++s)
          for (std::size_t i = 0; i < size; ++i) out[t][h * size + i] += share[s] / total * v[s][from + i];
      }
    }
    return product(out, name + "o_proj.weight");
  }
  Rows feed_forward(const std::string& name, const Rows& x) const {
    Rows gate = product(x, name + "gate_proj.weight");
    const Rows up = product(x, name + "up_proj.weight");
    for (std::size_t t = 0; t < gate.size(); ++t)
      for (std::size_t i = 0; i < gate[t].size(); ++i) gate[t][i] *= up[t][i] / (1 + std::exp(-gate[t][i]));
    return product(gate, name + "down_proj.weight");
  }

  const ModelShape& shape_;
  const ParameterLayout& layout_;
  std::span<const double> parameters_;
};

}  // namespace plain
