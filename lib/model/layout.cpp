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
  void add(const std::string& name, std::vector<std::int64_t> shape) {
    Parameter p{.name = name, .shape = std::move(shape), .begin = layout_.total, .size = 1, .matrix = true};
    for (const auto n : p.shape) p.size *= static_cast<std::size_t>(n);
    p.matrix = p.shape.size() > 1;
    layout_.total += p.size;
    layout_.parameters.push_back(std::move(p));
  }
  void add_linear(const std::string& name, std::int64_t out, std::int64_t in) {
    add(name + ".weight", {out, in});
    mark_linear(name, out, in, layout_.parameters.size() - 1);
  }
  void mark_linear(const std::string& name, std::int64_t out, std::int64_t in, std::size_t parameter) {
    layout_.linears.push_back({name, out, in});
    layout_.linear_parameter.push_back(parameter);
  }

 private:
  ParameterLayout& layout_;
};

std::string shape_text(const store::Shape& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

}  // namespace

ModelShape resolve_shape(const config::ModelOptions& o, std::int64_t vocab) {
  ModelShape shape{.vocab = vocab,
                   .dim = o.dim,
                   .layers = o.layers,
                   .heads = o.heads,
                   .kv_heads = o.kv_heads ? o.kv_heads : o.heads,
                   .ffn = o.ffn,
                   .context = o.context,
                   .rope_theta = o.rope_theta,
                   .norm_eps = o.norm_eps,
                   .tied_embeddings = o.tied_embeddings};
  if (shape.ffn == 0) shape.ffn = (8 * o.dim / 3 + 15) / 16 * 16;
  return shape;
}

const Parameter& ParameterLayout::named(const std::string& name) const { return parameters[index_of(name)]; }

std::size_t ParameterLayout::index_of(const std::string& name) const {
  const auto at =
      std::find_if(parameters.begin(), parameters.end(), [&](const Parameter& p) { return p.name == name; });
  if (at == parameters.end()) throw Error("the model has no parameter called " + name);
  return static_cast<std::size_t>(at - parameters.begin());
}

ParameterLayout make_layout(const ModelShape& s, bool quantize_head) {
  ParameterLayout layout;
  LayoutBuilder build(layout);
  build.add("model.embed_tokens.weight", {s.vocab, s.dim});
  const std::int64_t kv = s.kv_heads * s.head_size();
  for (std::int64_t i = 0; i < s.layers; ++i) {
    const std::string block = "model.layers." + std::to_string(i) + ".";
    build.add(block + "input_layernorm.weight", {s.dim});
    build.add_linear(block + "self_attn.q_proj", s.dim, s.dim);
    build.add_linear(block + "self_attn.k_proj", kv, s.dim);
    build.add_linear(block + "self_attn.v_proj", kv, s.dim);
    build.add_linear(block + "self_attn.o_proj", s.dim, s.dim);
    build.add(block + "post_attention_layernorm.weight", {s.dim});
    build.add_linear(block + "mlp.gate_proj", s.ffn, s.dim);
    build.add_linear(block + "mlp.up_proj", s.ffn, s.dim);
    build.add_linear(block + "mlp.down_proj", s.dim, s.ffn);
  }
  build.add("model.norm.weight", {s.dim});
  if (!s.tied_embeddings) build.add("lm_head.weight", {s.vocab, s.dim});
  if (quantize_head) {
    const std::size_t head = s.tied_embeddings ? 0 : layout.parameters.size() - 1;
    build.mark_linear("lm_head", s.vocab, s.dim, head);
  }
  return layout;
}

std::int64_t unquantized_macs(const ModelShape& s, const ParameterLayout& layout) {
  const bool quantized = !layout.linears.empty() && layout.linears.back().name == "lm_head";
  return quantized ? 0 : s.vocab * s.dim;
}

std::vector<float> initial_parameters(const ModelShape& shape, const ParameterLayout& layout,
                                      std::uint64_t seed) {
  std::vector<float> values(layout.total, 1.0f);
  for (std::size_t i = 0; i < layout.parameters.size(); ++i) {
    const Parameter& p = layout.parameters[i];
    if (!p.matrix) continue;
    const bool into_residual = p.name.ends_with("o_proj.weight") || p.name.ends_with("down_proj.weight");
    const double deviation =
        initial_deviation / (into_residual ? std::sqrt(2.0 * static_cast<double>(shape.layers)) : 1.0);
    KeyedRandom random(seed, Stream::initialisation, i);
    for (std::size_t e = 0; e < p.size; ++e)
      values[p.begin + e] = static_cast<float>(deviation * random.normal());
  }
  return values;
}

void save_model(store::File& file, const ModelShape& s, const ParameterLayout& layout,
                std::span<const float> parameters) {
  for (const auto& p : layout.parameters) {
    file.write<float>("/model/" + p.name, parameters.subspan(p.begin, p.size),
                      store::Shape(p.shape.begin(), p.shape.end()));
  }
  const std::pair<const char*, std::int64_t> sizes[] = {
      {"vocab_size", s.vocab},  {"dim", s.dim},
      {"layers", s.layers},     {"heads", s.heads},
      {"kv_heads", s.kv_heads}, {"ffn", s.ffn},
      {"context", s.context},   {"tied_embeddings", s.tied_embeddings ? 1 : 0}};
  for (const auto& [name, value] : sizes) file.set_attribute("/model", name, value);
  file.set_attribute("/model", "rope_theta", s.rope_theta);
  file.set_attribute("/model", "norm_eps", s.norm_eps);
}

ModelShape load_shape(const store::File& file) {
  constexpr std::int64_t largest = std::int64_t{1} << 24;
  const auto size = [&](const char* name) {
    const std::int64_t value = file.required_int("/model", name);
    if (value < 1 || value > largest) {
      throw InputError(std::string("the model's ") + name + " is " + std::to_string(value),
                       file.path().string() + ":/model", "the file is damaged; make it again");
    }
    return value;
  };
  ModelShape s{.vocab = size("vocab_size"),
               .dim = size("dim"),
               .layers = size("layers"),
               .heads = size("heads"),
               .kv_heads = size("kv_heads"),
               .ffn = size("ffn"),
               .context = size("context"),
               .rope_theta = file.required_double("/model", "rope_theta"),
               .norm_eps = file.required_double("/model", "norm_eps"),
               .tied_embeddings = file.required_int("/model", "tied_embeddings") != 0};
  const bool usable =
      std::isfinite(s.rope_theta) && s.rope_theta > 1 && std::isfinite(s.norm_eps) && s.norm_eps > 0;
  if (!usable || s.layers > 4096 || s.dim % s.heads != 0 || s.head_size() % 2 != 0 ||
      s.heads % s.kv_heads != 0) {
    throw InputError("the model's sizes do not fit together", file.path().string() + ":/model",
                     "the file is damaged; make it again");
  }
  return s;
}

std::vector<float> load_parameters(const store::File& file, const ParameterLayout& layout) {
  // Shapes first: memory is taken only when every tensor is there and fits.
  for (const auto& p : layout.parameters) {
    const store::Shape expected(p.shape.begin(), p.shape.end());
    const auto info = file.info("/model/" + p.name);
    if (info.shape != expected || info.type != store::ElementType::float32) {
      throw InputError("a tensor has type " + std::string(store::name_of(info.type)) + " and shape " +
                           shape_text(info.shape) + ", not float32 " + shape_text(expected),
                       file.path().string() + ":/model/" + p.name, "use a file of the same model");
    }
  }
  std::vector<float> values(layout.total);
  for (const auto& p : layout.parameters) {
    const auto part = file.read<float>("/model/" + p.name);
    const auto bad = std::find_if(part.begin(), part.end(), [](float v) { return !std::isfinite(v); });
    if (bad != part.end()) {
      throw InputError("a weight is not a finite number (element " + std::to_string(bad - part.begin()) + ")",
                       file.path().string() + ":/model/" + p.name, "run the stage that made the file again");
    }
    std::copy(part.begin(), part.end(), values.begin() + static_cast<std::ptrdiff_t>(p.begin));
  }
  return values;
}

}  // namespace bitdarts::model
