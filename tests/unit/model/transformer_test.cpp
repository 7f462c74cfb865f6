#include "model/transformer.hpp"

#include "catch.hpp"
#include "plain_decoder.hpp"
#include "quant/bank.hpp"
#include "tiny_model.hpp"

using namespace bitdarts;

namespace {

const at::TensorOptions precise = at::TensorOptions().dtype(at::kDouble);

at::Tensor tensor_of(const std::vector<std::int64_t>& values, std::int64_t batch) {
  return at::tensor(values, at::TensorOptions().dtype(at::kLong)).view({batch, -1});
}

// The flat parameters as the network takes them.
std::vector<at::Tensor> tensors_of(const model::ParameterLayout& layout,
                                   const std::vector<double>& parameters) {
  std::vector<at::Tensor> tensors;
  for (const auto& p : layout.parameters)
    tensors.push_back(
        at::from_blob(const_cast<double*>(parameters.data() + p.begin), p.shape, precise).clone());
  return tensors;
}

at::Tensor normal(std::vector<std::int64_t> shape, std::uint64_t seed) {
  at::Tensor x = at::empty(shape, precise);
  KeyedRandom random(seed, Stream::initialisation);
  for (std::int64_t i = 0; i < x.numel(); ++i) x.data_ptr<double>()[i] = random.normal();
  return x;
}

double largest(const at::Tensor& x) { return x.abs().max().item<double>(); }

// Input quantizers that all mix four candidates.
model::InputQuantizers quantizers(const model::ParameterLayout& layout, bool shared) {
  auto bank = quant::make_search_bank(layout.linears, {{}},
                                      quant::parse_candidates({"lsq+:3", "pact:4", "uniform:8", "fp32"}),
                                      {.per_channel = false, .tie_shared_input = shared, .context = 5});
  model::InputQuantizers used;
  used.of_linear = bank.input_site;
  for (const auto& site : bank.sites) {
    used.sites.emplace_back();
    if (site.role == quant::Role::input)
      used.sites.back().candidates = quant::bound_candidates<double>(bank, site);
  }
  return used;
}

}  // namespace

TEST_CASE("the decoder gives the logits of the loops in plain doubles") {
  const std::vector<std::int64_t> first{3, 1, 4, 1, 5}, second{9, 2, 6, 0, 10};
  for (const std::int64_t layers : {1, 2}) {
    for (const bool tied : {true, false}) {
      for (const std::int64_t kv_heads : {1, 2}) {
        CAPTURE(layers, tied, kv_heads);
        auto shape = tiny::shape(layers, tied);
        shape.kv_heads = kv_heads;
        const auto layout = model::make_layout(shape);
        const auto parameters = tiny::parameters(layout);
        const model::Transformer transformer(shape, layout, precise);
        std::vector<std::int64_t> tokens = first;
        tokens.insert(tokens.end(), second.begin(), second.end());
        const at::Tensor found = transformer.logits(tensors_of(layout, parameters), {}, tensor_of(tokens, 2));
        REQUIRE(found.size(0) == 10);
        REQUIRE(found.size(1) == shape.vocab);
        const plain::Decoder reference(shape, layout, parameters);
        auto expected = reference.logits(first);
        for (const auto& row : reference.logits(second)) expected.push_back(row);
        for (std::int64_t t = 0; t < 10; ++t)
          for (std::int64_t v = 0; v < shape.vocab; ++v)
            REQUIRE(found[t][v].item<double>() ==
                    Approx(expected[static_cast<std::size_t>(t)][static_cast<std::size_t>(v)])
                        .epsilon(1e-11)
                        .margin(1e-12));
      }
    }
  }
}

namespace {

// What public models of this family have beyond Llama: Qwen2, Qwen3, Llama 3.1, and all of it at once.
std::vector<model::ModelShape> relatives() {
  auto biased = tiny::shape(), normed = tiny::shape(2, false), stretched = tiny::shape(), all = tiny::shape();
  biased.qkv_bias = true;
  normed.qk_norm = true, normed.head_dim = 6;
  stretched.head_dim = 8;  // frequencies on both sides of the two bounds and between them
  stretched.rope_scaling = {.kind = model::RopeScaling::Kind::llama3,
                            .factor = 8,
                            .low_frequency_factor = 1,
                            .high_frequency_factor = 4,
                            .original_context = 40};
  all.qkv_bias = all.qk_norm = true, all.head_dim = 4, all.kv_heads = 1;
  all.rope_scaling = {.kind = model::RopeScaling::Kind::linear, .factor = 2.5};
  return {biased, normed, stretched, all};
}

}  // namespace

TEST_CASE("biases, norms of q and k, heads of their own size and scaled frequencies are those of the loops") {
  const std::vector<std::int64_t> tokens{3, 1, 4, 1, 5};
  for (const auto& shape : relatives()) {
    CAPTURE(shape.qkv_bias, shape.qk_norm, shape.head_dim);
    const auto layout = model::make_layout(shape);
    const auto parameters = tiny::parameters(layout);
    const at::Tensor found = model::Transformer(shape, layout, precise)
                                 .logits(tensors_of(layout, parameters), {}, tensor_of(tokens, 1));
    const auto expected = plain::Decoder(shape, layout, parameters).logits(tokens);
    for (std::int64_t t = 0; t < 5; ++t)
      for (std::int64_t v = 0; v < shape.vocab; ++v)
        REQUIRE(found[t][v].item<double>() ==
                Approx(expected[static_cast<std::size_t>(t)][static_cast<std::size_t>(v)])
                    .epsilon(1e-11)
                    .margin(1e-12));
  }
}

TEST_CASE("every parameter's gradient is that of finite differences, whatever a block has") {
  const at::Tensor tokens = tensor_of({3, 1, 4, 1, 5}, 1), targets = tensor_of({1, 4, 1, 5, 9}, 1);
  for (const auto& shape : relatives()) {
    CAPTURE(shape.qkv_bias, shape.qk_norm, shape.head_dim);
    const auto layout = model::make_layout(shape);
    auto leaves = tensors_of(layout, tiny::parameters(layout));
    const model::Transformer transformer(shape, layout, precise);
    for (auto& leaf : leaves) leaf.set_requires_grad(true);
    transformer.loss(leaves, {}, tokens, targets).backward();
    const at::NoGradGuard no_grad;
    const auto loss = [&] { return transformer.loss(leaves, {}, tokens, targets).item<double>(); };
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      CAPTURE(layout.parameters[i].name);
      const std::int64_t n = leaves[i].numel();
      for (std::int64_t k = 0; k < 3; ++k) {
        const std::int64_t at = (7 * k + 3) % n;
        double& value = leaves[i].data_ptr<double>()[at];
        const double before = value, h = 1e-5;
        value = before + h;
        const double above = loss();
        value = before - h;
        const double below = loss();
        value = before;
        REQUIRE(leaves[i].grad().data_ptr<double>()[at] ==
                Approx((above - below) / (2 * h)).epsilon(1e-5).margin(1e-8));
      }
    }
  }
}

TEST_CASE("a sequence shorter than the context sees what the beginning of a longer one sees") {
  const auto shape = tiny::shape();
  const auto layout = model::make_layout(shape);
  const auto weights = tensors_of(layout, tiny::parameters(layout));
  const model::Transformer transformer(shape, layout, precise);
  const at::Tensor whole = transformer.logits(weights, {}, tensor_of({7, 0, 2, 8, 1}, 1));
  const at::Tensor part = transformer.logits(weights, {}, tensor_of({7, 0, 2}, 1));
  CHECK(largest(whole.narrow(0, 0, 3) - part) < 1e-13);
}

TEST_CASE("a token changes no logits before it, in full precision and through quantizers") {
  const auto shape = tiny::shape();
  const auto layout = model::make_layout(shape);
  const auto weights = tensors_of(layout, tiny::parameters(layout));
  const model::Transformer transformer(shape, layout, precise);
  for (const int mode : {0, 1, 2}) {  // none, one quantizer a layer, shared quantizers
    CAPTURE(mode);
    auto used = quantizers(layout, mode == 2);
    auto* const given = mode == 0 ? nullptr : &used;
    const std::vector<std::int64_t> tokens{7, 0, 2, 8, 1};
    const at::Tensor before = transformer.logits(weights, {}, tensor_of(tokens, 1), given);
    for (std::size_t t = 0; t < tokens.size(); ++t) {
      auto changed = tokens;
      changed[t] = 5;
      const at::Tensor difference = transformer.logits(weights, {}, tensor_of(changed, 1), given) - before;
      const auto at_t = static_cast<std::int64_t>(t);
      if (t > 0) CHECK(largest(difference.narrow(0, 0, at_t)) == 0);
      CHECK(largest(difference[at_t]) > 1e-3);
      if (t + 1 < tokens.size()) CHECK(largest(difference[4]) > 1e-6);  // and it is seen afterwards
    }
  }
}

TEST_CASE("layers that share an input quantizer get what their own equal quantizers would give") {
  const auto shape = tiny::shape();
  const auto layout = model::make_layout(shape);
  const auto weights = tensors_of(layout, tiny::parameters(layout));
  const model::Transformer transformer(shape, layout, precise);
  auto own = quantizers(layout, false), shared = quantizers(layout, true);
  const at::Tensor tokens = tensor_of({7, 0, 2, 8, 1}, 1);
  const at::Tensor expected = transformer.logits(weights, {}, tokens, &own);
  CHECK(largest(transformer.logits(weights, {}, tokens, &shared) - expected) < 1e-13);
  CHECK(largest(transformer.logits(weights, {}, tokens) - expected) > 1e-3);  // they do quantize
}

TEST_CASE("a quantized output head is used in place of the embedding, which still reads the tokens") {
  for (const bool tied : {true, false}) {
    CAPTURE(tied);
    const auto shape = tiny::shape(1, tied);
    const auto layout = model::make_layout(shape, true);
    auto parameters = tiny::parameters(layout);
    const auto weights = tensors_of(layout, parameters);
    const model::Transformer transformer(shape, layout, precise);
    const at::Tensor tokens = tensor_of({3, 1, 4, 1, 5}, 1), head = normal({shape.vocab, shape.dim}, 8);
    const at::Tensor found = transformer.logits(weights, head, tokens);
    // The same network written down untied, with that head.
    const auto other_shape = tiny::shape(1, false);
    const auto other_layout = model::make_layout(other_shape);
    parameters.resize(other_layout.named("lm_head.weight").begin);
    parameters.insert(parameters.end(), head.data_ptr<double>(), head.data_ptr<double>() + head.numel());
    const auto expected = plain::Decoder(other_shape, other_layout, parameters).logits({3, 1, 4, 1, 5});
    for (std::int64_t t = 0; t < 5; ++t)
      for (std::int64_t v = 0; v < shape.vocab; ++v)
        REQUIRE(found[t][v].item<double>() ==
                Approx(expected[static_cast<std::size_t>(t)][static_cast<std::size_t>(v)])
                    .epsilon(1e-11)
                    .margin(1e-12));
    auto used = quantizers(layout, false);
    const at::Tensor quantized = transformer.logits(weights, head, tokens, &used);
    CHECK(largest(quantized - found) > 1e-3);
    // The loss goes without all logits, but comes from the same ones.
    const at::Tensor targets = tensor_of({1, 4, 1, 5, 0}, 1);
    const auto loss_of = [&](const at::Tensor& logits) {
      return at::nll_loss(at::log_softmax(logits, -1), targets.view({-1})).item<double>();
    };
    const auto loss = [&](const at::Tensor& with, model::InputQuantizers* quantizers) {
      return transformer.loss(weights, with, tokens, targets, 1, quantizers).template item<double>();
    };
    CHECK(loss(head, &used) == Approx(loss_of(quantized)).epsilon(1e-12));
    CHECK(loss(head, nullptr) == Approx(loss_of(found)).epsilon(1e-12));
    CHECK(loss({}, nullptr) == Approx(loss_of(transformer.logits(weights, {}, tokens))).epsilon(1e-12));
  }
}
