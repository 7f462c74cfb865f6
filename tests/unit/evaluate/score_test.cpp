#include "catch.hpp"
#include "evaluate/measure.hpp"
#include "tiny_model.hpp"

using namespace bitdarts;
using namespace bitdarts::evaluate;
using namespace evaluate_test;

namespace {

quant::Scheme full_precision_scheme(const std::vector<quant::LayerShape>& layers) {
  quant::Scheme scheme;
  for (const auto& layer : layers) scheme.entries.push_back({layer.name, {}, {}});
  return scheme;
}

}  // namespace

TEST_CASE("a model that knows nothing has the perplexity of its vocabulary") {
  TinyModel tiny;
  std::fill(tiny.parameters.begin(), tiny.parameters.end(), 0.0f);  // all logits are 0
  Network network(tiny.shape, tiny.layout, tiny.parameters, nullptr, "cpu");
  const at::Tensor tokens = token_rows(random_tokens(400, tiny.shape.vocab), tiny.shape.context);
  const at::Tensor logits = network.logits(tokens);
  const WindowScore s = score(logits, logits, tokens.view({-1}));
  CHECK(s.tokens == 400);
  CHECK(std::exp(s.nll / 400) == Approx(23.0).epsilon(1e-12));
  CHECK(s.reference_nll == s.nll);
}

TEST_CASE("the divergence of a model from itself is zero, and it agrees with itself") {
  const TinyModel tiny;
  auto bank = started_bank(tiny, full_precision_scheme(tiny.layout.linears), false);
  const auto quantized = fake_quantized(tiny.layout, tiny.parameters, bank);
  Network same(tiny.shape, tiny.layout, quantized, &bank, "cpu");
  Network reference(tiny.shape, tiny.layout, tiny.parameters, nullptr, "cpu");
  const at::Tensor tokens = token_rows(random_tokens(80, tiny.shape.vocab), tiny.shape.context);
  const WindowScore s = score(same.logits(tokens), reference.logits(tokens), tokens.view({-1}));
  CHECK(s.divergence == 0);
  CHECK(s.agreed == 80);
  CHECK(s.nll == s.reference_nll);
  CHECK(s.nll / 80 > std::log(2.0));  // not a model that is sure of everything
}

TEST_CASE("scores are those of two distributions written down by hand") {
  // Full precision (1/2, 1/4, 1/4); quantized (1/4, 1/2, 1/4) in one row and the same as full precision in
  // the other.
  const std::vector<float> full{0.5f, 0.25f, 0.25f, 0.5f, 0.25f, 0.25f};
  const std::vector<float> other{0.25f, 0.5f, 0.25f, 0.5f, 0.25f, 0.25f};
  const auto logits = [](std::vector<float> p) { return at::tensor(p).view({2, 3}).log() + 3.0; };
  const at::Tensor targets = at::tensor(std::vector<std::int64_t>{1, 0});
  const WindowScore s = score(logits(other), logits(full), targets);
  const double ln2 = std::log(2.0);
  CHECK(s.nll == Approx(ln2 + ln2).epsilon(1e-6));                // -ln 1/2 - ln 1/2
  CHECK(s.reference_nll == Approx(2 * ln2 + ln2).epsilon(1e-6));  // -ln 1/4 - ln 1/2
  CHECK(s.divergence == Approx(0.5 * ln2 - 0.25 * ln2).epsilon(1e-6));
  CHECK(s.agreed == 1);
  CHECK(s.tokens == 2);
}

TEST_CASE("many rows score as the sum of few") {
  const at::Tensor a = at::tensor(normal_values(700 * 5, 1)).view({700, 5});
  const at::Tensor b = at::tensor(normal_values(700 * 5, 2)).view({700, 5});
  const at::Tensor targets = at::arange(700, at::kLong).remainder(5);
  const WindowScore all = score(a, b, targets);
  WindowScore sum;
  for (std::int64_t row = 0; row < 700; ++row) {
    const WindowScore one = score(a.narrow(0, row, 1), b.narrow(0, row, 1), targets.narrow(0, row, 1));
    sum.nll += one.nll;
    sum.divergence += one.divergence;
    sum.agreed += one.agreed;
  }
  CHECK(all.nll == Approx(sum.nll).epsilon(1e-12));
  CHECK(all.divergence == Approx(sum.divergence).epsilon(1e-12));
  CHECK(all.agreed == sum.agreed);
  CHECK(all.tokens == 700);
  CHECK(all.divergence > 0);
}

TEST_CASE("confident logits far beyond float's exponential range are scored exactly") {
  const at::Tensor logits = at::tensor(std::vector<float>{500.0f, -500.0f}).view({1, 2});
  const WindowScore s = score(logits, -logits, at::tensor(std::vector<std::int64_t>{1}));
  CHECK(s.nll == 1000.0);
  CHECK(s.reference_nll == 0.0);
  CHECK(s.divergence == 1000.0);
  CHECK(s.agreed == 0);
}
