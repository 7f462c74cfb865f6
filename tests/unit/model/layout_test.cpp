#include "model/model_file.hpp"

#include <unistd.h>

#include <filesystem>
#include <limits>

#include "catch.hpp"
#include "core/error.hpp"
#include "tiny_model.hpp"

using namespace bitdarts;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

// A file of one test, gone when the test ends.
class ModelFile {
 public:
  ModelFile()
      : path_(fs::temp_directory_path() / ("bitdarts-model-test-" + std::to_string(getpid()) + ".h5")) {}
  ~ModelFile() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
  ModelFile(const ModelFile&) = delete;
  ModelFile& operator=(const ModelFile&) = delete;

  void save(const model::ModelShape& shape, const model::ParameterLayout& layout,
            const std::vector<float>& parameters) const {
    auto file = store::File::create(path_);
    model::save_model(file, shape, layout, parameters);
    file.close();
  }
  store::File open() const { return store::File::open(path_); }

 private:
  fs::path path_;
};

using Sizes = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("parameters have the names and shapes of the public Llama checkpoints, in forward order") {
  const model::ModelShape shape{.vocab = 100,
                                .dim = 16,
                                .layers = 2,
                                .heads = 4,
                                .kv_heads = 2,
                                .ffn = 48,
                                .context = 8,
                                .rope_theta = 1e4,
                                .norm_eps = 1e-5,
                                .tied_embeddings = false};
  const auto layout = model::make_layout(shape);
  std::vector<std::pair<std::string, Sizes>> expected{{"model.embed_tokens.weight", {100, 16}}};
  for (const std::string block : {"model.layers.0.", "model.layers.1."}) {
    const std::vector<std::pair<std::string, Sizes>> parts{
        {"input_layernorm.weight", {16}},      {"self_attn.q_proj.weight", {16, 16}},
        {"self_attn.k_proj.weight", {8, 16}},  {"self_attn.v_proj.weight", {8, 16}},
        {"self_attn.o_proj.weight", {16, 16}}, {"post_attention_layernorm.weight", {16}},
        {"mlp.gate_proj.weight", {48, 16}},    {"mlp.up_proj.weight", {48, 16}},
        {"mlp.down_proj.weight", {16, 48}}};
    for (const auto& [name, sizes] : parts) expected.push_back({block + name, sizes});
  }
  expected.push_back({"model.norm.weight", {16}});
  expected.push_back({"lm_head.weight", {100, 16}});
  REQUIRE(layout.parameters.size() == expected.size());
  std::size_t begin = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const auto& p = layout.parameters[i];
    CHECK(p.name == expected[i].first);
    CHECK(p.shape == expected[i].second);
    CHECK(p.begin == begin);  // one after another, no gaps
    CHECK(p.matrix == (p.shape.size() == 2));
    begin += p.size;
  }
  CHECK(layout.total == begin);
  CHECK(layout.index_of("model.norm.weight") == expected.size() - 2);
  CHECK_THROWS_AS(layout.named("model.layers.2.mlp.up_proj.weight"), Error);
}

TEST_CASE(
    "biases, norms of q and k and heads of their own size have the names and shapes of Qwen's checkpoints") {
  model::ModelShape shape{
      .vocab = 100, .dim = 16, .layers = 2, .heads = 4, .kv_heads = 2, .ffn = 48, .context = 8};
  const auto llama = model::make_layout(shape);
  shape.head_dim = 6, shape.qkv_bias = shape.qk_norm = true;
  const auto layout = model::make_layout(shape);
  const auto sizes = [&](const std::string& name) {
    return layout.named("model.layers.1.self_attn." + name).shape;
  };
  CHECK(sizes("q_proj.weight") == Sizes{24, 16});
  CHECK(sizes("k_proj.weight") == Sizes{12, 16});
  CHECK(sizes("o_proj.weight") == Sizes{16, 24});
  CHECK(sizes("q_proj.bias") == Sizes{24});
  CHECK(sizes("k_proj.bias") == Sizes{12});
  CHECK(sizes("v_proj.bias") == Sizes{12});
  CHECK(sizes("q_norm.weight") == Sizes{6});
  CHECK(sizes("k_norm.weight") == Sizes{6});
  CHECK_THROWS_AS(layout.named("model.layers.1.self_attn.o_proj.bias"), Error);
  CHECK(layout.parameters.size() == llama.parameters.size() + 2 * 5);
  CHECK(layout.linears.size() == llama.linears.size());  // no bias and no norm is quantized
  for (const auto& p : layout.parameters) CHECK(p.matrix == (p.shape.size() == 2));  // nor decays
  const auto values = model::initial_parameters(shape, layout, 5);
  const auto& bias = layout.named("model.layers.0.self_attn.v_proj.bias");
  const auto& norm = layout.named("model.layers.0.self_attn.k_norm.weight");
  for (std::size_t i = 0; i < bias.size; ++i) CHECK(values[bias.begin + i] == 0);
  for (std::size_t i = 0; i < norm.size; ++i) CHECK(values[norm.begin + i] == 1);
}

TEST_CASE("a block's layers stand where its description says, and read what it says") {
  const auto layout = model::make_layout(tiny::shape(3), true);
  REQUIRE(layout.blocks.size() == 3);
  for (std::size_t b = 0; b < 3; ++b)
    for (std::size_t i = 0; i < model::block_linears.size(); ++i) {
      const auto& linear = model::block_linears[i];
      CHECK(static_cast<std::size_t>(linear.role) == i);
      const auto& layer = layout.linears[layout.blocks[b].of(linear.role)];
      CHECK(layer.name == "model.layers." + std::to_string(b) + "." + linear.name);
      for (std::size_t j = 0; j < model::block_linears.size(); ++j) {
        const auto& other = layout.linears[layout.blocks[b].linear[j]];
        const bool same = i != j && linear.reads == model::block_linears[j].reads;
        CHECK((i != j && !layer.reads.empty() && layer.reads == other.reads) == same);
      }
      if (b > 0)
        CHECK((layer.reads.empty() || layer.reads != layout.linears[layout.blocks[0].linear[i]].reads));
    }
  CHECK(layout.is_head(*layout.quantized_head));
  CHECK(layout.linears[*layout.quantized_head].reads.empty());
}

TEST_CASE("the quantizable layers are the seven of every block, and the head on request") {
  for (const bool tied : {true, false}) {
    const auto shape = tiny::shape(2, tied);
    const auto plain = model::make_layout(shape), with_head = model::make_layout(shape, true);
    CHECK(plain.linears.size() == 14);
    REQUIRE(with_head.linears.size() == 15);
    CHECK(with_head.total == plain.total);  // a tied head is the embedding matrix, not another one
    CHECK(with_head.linears.back().name == "lm_head");
    CHECK(with_head.parameters[with_head.linear_parameter.back()].name ==
          (tied ? "model.embed_tokens.weight" : "lm_head.weight"));
    for (std::size_t l = 0; l < with_head.linears.size(); ++l) {
      const auto& linear = with_head.linears[l];
      const auto& p = with_head.parameters[with_head.linear_parameter[l]];
      if (linear.name != "lm_head") CHECK(p.name == linear.name + ".weight");
      CHECK(p.shape == Sizes{linear.out_features, linear.in_features});
    }
  }
}

TEST_CASE("sizes left open are filled in") {
  config::ModelOptions options;
  options.dim = 96, options.heads = 6, options.kv_heads = 0, options.ffn = 0;
  auto shape = model::resolve_shape(options, 1000);
  CHECK(shape.vocab == 1000);
  CHECK(shape.kv_heads == 6);
  CHECK(shape.ffn == 256);  // 8/3 of 96, a multiple of 16 already
  options.dim = 100, options.heads = 10, options.kv_heads = 2;
  shape = model::resolve_shape(options, 1000);
  CHECK(shape.kv_heads == 2);
  CHECK(shape.ffn == 272);  // 266 rounded up
  options.ffn = 7;
  CHECK(model::resolve_shape(options, 1000).ffn == 7);
}

TEST_CASE("initial weights are normal with deviation 0.02, less into the residual stream; norms are one") {
  model::ModelShape shape{
      .vocab = 300, .dim = 64, .layers = 8, .heads = 4, .kv_heads = 4, .ffn = 128, .context = 8};
  const auto layout = model::make_layout(shape);
  const auto values = model::initial_parameters(shape, layout, 5);
  REQUIRE(values.size() == layout.total);
  for (const auto& p : layout.parameters) {
    double sum = 0, square = 0;
    for (std::size_t i = p.begin; i < p.begin + p.size; ++i) {
      const double v = static_cast<double>(values[i]);
      sum += v;
      square += v * v;
    }
    CAPTURE(p.name);
    const double n = static_cast<double>(p.size);
    if (!p.matrix) {
      CHECK(sum == n);
      CHECK(square == n);
      continue;
    }
    const bool residual = p.name.ends_with("o_proj.weight") || p.name.ends_with("down_proj.weight");
    const double deviation = residual ? 0.02 / 4 : 0.02;  // sqrt(2 * 8 layers) = 4
    CHECK(std::abs(sum / n) < 5 * deviation / std::sqrt(n));
    CHECK(std::sqrt(square / n) == Approx(deviation).epsilon(5 / std::sqrt(2 * n)));
  }
  CHECK(values == model::initial_parameters(shape, layout, 5));
  CHECK(values != model::initial_parameters(shape, layout, 6));
}

TEST_CASE("a model comes back from its file as it was saved") {
  for (const bool tied : {true, false}) {
    const ModelFile path;
    auto shape = tiny::shape(2, tied);
    shape.rope_theta = 12345.678, shape.norm_eps = 3e-7;
    if (tied) {
      shape.head_dim = 2, shape.qkv_bias = shape.qk_norm = true;
      shape.rope_scaling = {.kind = model::RopeScaling::Kind::llama3,
                            .factor = 8,
                            .low_frequency_factor = 1.5,
                            .high_frequency_factor = 4.5,
                            .original_context = 100};
    } else {
      shape.rope_scaling = {.kind = model::RopeScaling::Kind::linear, .factor = 2.5};
    }
    const auto layout = model::make_layout(shape, true);
    const auto parameters = tiny::narrowed(tiny::parameters(layout));
    path.save(shape, layout, parameters);
    const auto file = path.open();
    CHECK(model::load_shape(file) == shape);
    CHECK(model::load_parameters(file, layout) == parameters);
    CHECK(file.info("/model/model.layers.1.self_attn.k_proj.weight").shape == store::Shape{2, 4});
    CHECK(file.has("/model/lm_head.weight") == !tied);
  }
}

TEST_CASE("a tensor of another shape, a missing one and a number that is none are refused by name") {
  const ModelFile path;
  const auto shape = tiny::shape();
  const auto layout = model::make_layout(shape);
  auto parameters = tiny::narrowed(tiny::parameters(layout));
  path.save(shape, layout, parameters);
  auto other = shape;
  other.ffn = 8;
  CHECK_THROWS_AS(model::load_parameters(path.open(), model::make_layout(other)), InputError);
  CHECK_THROWS_WITH(
      model::load_parameters(path.open(), model::make_layout(other)),
      Contains("model.layers.0.mlp.gate_proj.weight") && Contains("[6, 4]") && Contains("[8, 4]"));
  CHECK_THROWS_AS(model::load_parameters(path.open(), model::make_layout(tiny::shape(3))), InputError);
  CHECK_THROWS_WITH(model::load_parameters(path.open(), model::make_layout(tiny::shape(3))),
                    Contains("model.layers.2."));

  const auto& norm = layout.named("model.layers.1.input_layernorm.weight");
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    parameters[norm.begin + 2] = bad;
    path.save(shape, layout, parameters);
    CHECK_THROWS_AS(model::load_parameters(path.open(), layout), InputError);
    CHECK_THROWS_WITH(model::load_parameters(path.open(), layout),
                      Contains(norm.name) && Contains("element 2"));
  }
}

TEST_CASE("sizes that no model can have are refused") {
  const ModelFile path;
  const auto good = tiny::shape();
  const auto layout = model::make_layout(good);
  const auto parameters = tiny::narrowed(tiny::parameters(layout));
  const auto refused = [&](auto change) {
    auto shape = good;
    change(shape);
    path.save(shape, layout, parameters);
    CHECK_THROWS_AS(model::load_shape(path.open()), InputError);
  };
  refused([](auto& s) { s.dim = 0; });
  refused([](auto& s) { s.vocab = -3; });
  refused([](auto& s) { s.layers = std::int64_t{1} << 40; });
  refused([](auto& s) { s.heads = 3; });               // does not divide dim
  refused([](auto& s) { s.heads = s.kv_heads = 4; });  // heads of one number cannot rotate
  refused([](auto& s) { s.kv_heads = 3; });            // does not divide heads
  refused([](auto& s) { s.head_dim = 3; });            // heads of an odd size cannot rotate
  refused([](auto& s) { s.rope_scaling = {.kind = model::RopeScaling::Kind::linear, .factor = 0}; });
  refused([](auto& s) {  // nothing between the two
    s.rope_scaling = {.kind = model::RopeScaling::Kind::llama3, .low_frequency_factor = 4};
  });
}
