#include "model/model_file.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"

namespace bitdarts::model {
namespace {

std::string shape_text(const store::Shape& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

using Scaling = RopeScaling::Kind;

void save_scaling(store::File& file, const RopeScaling& scaling) {
  if (scaling.kind == Scaling::none) return;
  const bool linear = scaling.kind == Scaling::linear;
  file.set_attribute("/model", "rope_scaling", std::string(linear ? "linear" : "llama3"));
  file.set_attribute("/model", "rope_factor", scaling.factor);
  if (linear) return;
  file.set_attribute("/model", "rope_low_frequency_factor", scaling.low_frequency_factor);
  file.set_attribute("/model", "rope_high_frequency_factor", scaling.high_frequency_factor);
  file.set_attribute("/model", "rope_original_context", scaling.original_context);
}

RopeScaling load_scaling(const store::File& file) {
  const auto kind = file.text_attribute("/model", "rope_scaling");
  if (!kind) return {};
  if (*kind == "linear")
    return {.kind = Scaling::linear, .factor = file.required_double("/model", "rope_factor")};
  if (*kind != "llama3")
    throw InputError("unknown scaling of rotary frequencies '" + *kind + "'",
                     file.path().string() + ":/model", "use a file of this version");
  return {.kind = Scaling::llama3,
          .factor = file.required_double("/model", "rope_factor"),
          .low_frequency_factor = file.required_double("/model", "rope_low_frequency_factor"),
          .high_frequency_factor = file.required_double("/model", "rope_high_frequency_factor"),
          .original_context = file.required_int("/model", "rope_original_context")};
}

}  // namespace

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
  // What Llama's blocks do not have stands in files of models that have it.
  if (s.head_dim > 0) file.set_attribute("/model", "head_dim", s.head_dim);
  if (s.qkv_bias) file.set_attribute("/model", "qkv_bias", std::int64_t{1});
  if (s.qk_norm) file.set_attribute("/model", "qk_norm", std::int64_t{1});
  save_scaling(file, s.rope_scaling);
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
  const auto optional = [&](const char* name) { return file.int_attribute("/model", name).value_or(0); };
  ModelShape s{.vocab = size("vocab_size"),
               .dim = size("dim"),
               .layers = size("layers"),
               .heads = size("heads"),
               .kv_heads = size("kv_heads"),
               .ffn = size("ffn"),
               .context = size("context"),
               .rope_theta = file.required_double("/model", "rope_theta"),
               .norm_eps = file.required_double("/model", "norm_eps"),
               .tied_embeddings = file.required_int("/model", "tied_embeddings") != 0,
               .head_dim = optional("head_dim"),
               .qkv_bias = optional("qkv_bias") != 0,
               .qk_norm = optional("qk_norm") != 0,
               .rope_scaling = load_scaling(file)};
  if (s.head_dim > largest || !fits_together(s)) {
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
