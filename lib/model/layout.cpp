#include "model/layout.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "core/random.hpp"

namespace bitdarts::model {
namespace {

constexpr double initial_deviation = 0.02;

class LayoutBuilder {
 public:
  explicit LayoutBuilder(ParameterLayout& layout) : layout_(layout) {}
  /// Returns the parameter's index.
  std::size_t add(const std::string& name, std::vector<std::int64_t> shape, Parameter::Start start) {
    Parameter p{.name = name,
                .shape = std::move(shape),
                .begin = layout_.total,
                .size = 1,
                .matrix = true,
                .start = start};
    for (const auto n : p.shape) p.size *= static_cast<std::size_t>(n);
    p.matrix = p.shape.size() > 1;
    layout_.total += p.size;
    layout_.parameters.push_back(std::move(p));
    return layout_.parameters.size() - 1;
  }
  /// Returns the layer's index.
  std::size_t mark_linear(quant::LayerShape layer, std::size_t parameter) {
    layout_.linears.push_back(std::move(layer));
    layout_.linear_parameter.push_back(parameter);
    return layout_.linears.size() - 1;
  }

 private:
  ParameterLayout& layout_;
};

BlockLayout add_block(LayoutBuilder& build, const ModelShape& s, const std::string& block) {
  using Start = Parameter::Start;
  BlockLayout at;
  std::string reads;  // the last norm's name stands for what it gives
  for (const auto& linear : block_linears) {
    if (linear.role == LinearRole::query)
      at.attention_norm = build.add(reads = block + "input_layernorm.weight", {s.dim}, Start::one);
    if (linear.role == LinearRole::gate)
      at.feed_forward_norm =
          build.add(reads = block + "post_attention_layernorm.weight", {s.dim}, Start::one);
    const auto role = static_cast<std::size_t>(linear.role);
    const std::string name = block + linear.name;
    const std::int64_t out = linear.out(s), in = linear.in(s);
    const std::size_t weight =
        build.add(name + ".weight", {out, in}, linear.into_residual ? Start::into_residual : Start::normal);
    const bool of_norm =
        linear.reads == BlockInput::attention_norm || linear.reads == BlockInput::feed_forward_norm;
    at.linear[role] = build.mark_linear({name, out, in, of_norm ? reads : std::string()}, weight);
    if (linear.has_bias(s)) at.bias[role] = build.add(name + ".bias", {out}, Start::zero);
    if (linear.role == LinearRole::value && s.qk_norm) {
      at.query_norm = build.add(block + "self_attn.q_norm.weight", {s.head_size()}, Start::one);
      at.key_norm = build.add(block + "self_attn.k_norm.weight", {s.head_size()}, Start::one);
    }
  }
  return at;
}

}  // namespace

const Parameter& ParameterLayout::named(const std::string& name) const { return parameters[index_of(name)]; }

std::size_t ParameterLayout::index_of(const std::string& name) const {
  const auto at =
      std::find_if(parameters.begin(), parameters.end(), [&](const Parameter& p) { return p.name == name; });
  if (at == parameters.end()) throw Error("the model has no parameter called " + name);
  return static_cast<std::size_t>(at - parameters.begin());
}

ParameterLayout make_layout(const ModelShape& s, bool quantize_head) {
  using Start = Parameter::Start;
  ParameterLayout layout;
  LayoutBuilder build(layout);
  layout.embedding = build.add("model.embed_tokens.weight", {s.vocab, s.dim}, Start::normal);
  for (std::int64_t i = 0; i < s.layers; ++i)
    layout.blocks.push_back(add_block(build, s, "model.layers." + std::to_string(i) + "."));
  layout.final_norm = build.add("model.norm.weight", {s.dim}, Start::one);
  layout.output =
      s.tied_embeddings ? layout.embedding : build.add("lm_head.weight", {s.vocab, s.dim}, Start::normal);
  if (quantize_head)
    layout.quantized_head = build.mark_linear({"lm_head", s.vocab, s.dim, {}}, layout.output);
  return layout;
}

std::int64_t unquantized_macs(const ModelShape& s, const ParameterLayout& layout) {
  return layout.quantized_head ? 0 : s.vocab * s.dim;
}

std::vector<float> initial_parameters(const ModelShape& shape, const ParameterLayout& layout,
                                      std::uint64_t seed) {
  using Start = Parameter::Start;
  std::vector<float> values(layout.total, 1.0f);
  for (std::size_t i = 0; i < layout.parameters.size(); ++i) {
    const Parameter& p = layout.parameters[i];
    if (p.start == Start::one) continue;
    const double deviation =
        p.start == Start::zero ? 0.0
                               : initial_deviation / (p.start == Start::into_residual
                                                          ? std::sqrt(2.0 * static_cast<double>(shape.layers))
                                                          : 1.0);
    KeyedRandom random(seed, Stream::initialisation, i);
    for (std::size_t e = 0; e < p.size; ++e)
      values[p.begin + e] = deviation == 0 ? 0.0f : static_cast<float>(deviation * random.normal());
  }
  return values;
}

}  // namespace bitdarts::model
