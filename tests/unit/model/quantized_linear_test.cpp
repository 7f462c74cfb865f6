// The closed-form backward of the quantized layers against autograd through straight-through quantizers.
#include "model/quantized_linear.hpp"

#include "catch.hpp"
#include "quant/tensor_reference.hpp"
#include "tiny_model.hpp"

using namespace bitdarts;

namespace {

const at::TensorOptions precise = at::TensorOptions().dtype(at::kDouble);

at::Tensor normal(std::vector<std::int64_t> shape, std::uint64_t seed) {
  at::Tensor x = at::empty(shape, precise);
  KeyedRandom random(seed, Stream::initialisation);
  for (std::int64_t i = 0; i < x.numel(); ++i) x.data_ptr<double>()[i] = random.normal();
  return x;
}
at::Tensor leaf(double value) { return at::full({}, value, precise).set_requires_grad(true); }
double largest(const at::Tensor& x) { return x.abs().max().item<double>(); }
double gradient_of(const at::Tensor& x) { return x.grad().defined() ? x.grad().item<double>() : 0.0; }

// Candidates with unequal probabilities, ranges that clip, and an offset; and the same as autograd sees them.
struct Mixture {
  std::vector<quant::Candidate> set =
      quant::parse_candidates({"lsq+:2", "lsq+:4", "pact:3", "pact:8", "uniform:4", "fp32"});
  std::vector<double> ranges{0.6, 0.17, 1.3, 2.1, 1.8, 1.0}, offsets{0.2, -0.1, 0, 0, 0, 0},
      probabilities{0.1, 0.25, 0.15, 0.2, 0.05, 0.25};
  std::vector<at::Tensor> range_leaves, offset_leaves, probability_leaves;
  model::InputQuantizer quantizer;

  Mixture() {
    for (std::size_t j = 0; j < set.size(); ++j) {
      quantizer.candidates.push_back(quant::bind<double>(set[j], ranges[j], offsets[j], probabilities[j]));
      range_leaves.push_back(leaf(ranges[j]));
      offset_leaves.push_back(leaf(offsets[j]));
      probability_leaves.push_back(leaf(probabilities[j]));
    }
  }
  at::Tensor reference(const at::Tensor& x) const {
    at::Tensor mixed = at::zeros_like(x);
    for (std::size_t j = 0; j < set.size(); ++j)
      mixed = mixed +
              probability_leaves[j] * quant::quantize_with_ste(x, set[j], range_leaves[j], offset_leaves[j]);
    return mixed;
  }
  // d loss / d p_j is <G, Q_j(x)>; the other sums come without the factor p_j.
  void check_sums(const at::Tensor& x) const {
    const auto& sums = quantizer.sums;
    REQUIRE(sums.candidates.size() == set.size());
    for (std::size_t j = 0; j < set.size(); ++j) {
      CAPTURE(quant::to_string(set[j]));
      const auto& s = sums.candidates[j];
      CHECK(s.gradient_quantized == Approx(gradient_of(probability_leaves[j])).epsilon(1e-10).margin(1e-10));
      CHECK(probabilities[j] * s.gradient_range ==
            Approx(gradient_of(range_leaves[j])).epsilon(1e-10).margin(1e-10));
      CHECK(probabilities[j] * s.gradient_offset ==
            Approx(gradient_of(offset_leaves[j])).epsilon(1e-10).margin(1e-10));
      const at::Tensor q =
          quant::quantize_with_ste(x.detach(), set[j], range_leaves[j].detach(), offset_leaves[j].detach());
      CHECK(s.squared_error == Approx((q - x).square().sum().item<double>()).epsilon(1e-10).margin(1e-14));
    }
    CHECK(sums.square == Approx(x.square().sum().item<double>()).epsilon(1e-12));
    CHECK(sums.maximum == largest(x));
    CHECK(sums.count == static_cast<double>(x.numel()));
  }
};

}  // namespace

TEST_CASE("a quantized layer's gradients are those of autograd through the straight-through mix") {
  const at::Tensor g = normal({9, 3}, 1);
  const at::Tensor x = normal({9, 5}, 2).set_requires_grad(true),
                   weight = normal({3, 5}, 3).set_requires_grad(true);
  const at::Tensor again_x = x.detach().clone().set_requires_grad(true),
                   again_weight = weight.detach().clone().set_requires_grad(true);
  Mixture mixture;
  const at::Tensor expected = at::matmul(mixture.reference(x), weight.t());
  (expected * g).sum().backward();
  const at::Tensor found = model::quantized_linear(again_x, again_weight, mixture.quantizer);
  (found * g).sum().backward();
  CHECK(largest(found - expected) < 1e-13);
  CHECK(largest(again_x.grad() - x.grad()) < 1e-13);
  CHECK(largest(again_weight.grad() - weight.grad()) < 1e-12);
  mixture.check_sums(x);
}

TEST_CASE("an input quantized once for several layers collects the gradient of all of them") {
  const at::Tensor g1 = normal({9, 3}, 4), g2 = normal({9, 2}, 5), w1 = normal({3, 5}, 6),
                   w2 = normal({2, 5}, 7);
  const at::Tensor x = normal({9, 5}, 8).set_requires_grad(true),
                   again = x.detach().clone().set_requires_grad(true);
  Mixture mixture;
  const auto loss = [&](const at::Tensor& mixed) {
    return (at::matmul(mixed, w1.t()) * g1).sum() + (at::matmul(mixed, w2.t()) * g2).sum();
  };
  loss(mixture.reference(x)).backward();
  loss(model::quantize_input(again, mixture.quantizer)).backward();
  CHECK(largest(again.grad() - x.grad()) < 1e-13);
  mixture.check_sums(x);
}

TEST_CASE("an input and a gradient that are not contiguous in memory are read in their order") {
  const at::Tensor g = normal({3, 9}, 1), weight = normal({3, 5}, 3);
  const at::Tensor base = normal({5, 9}, 2);
  const at::Tensor x = base.t().detach().set_requires_grad(true),
                   again = base.t().contiguous().set_requires_grad(true);
  Mixture one, other;
  (model::quantized_linear(x, weight, one.quantizer).t() * g).sum().backward();
  (model::quantized_linear(again, weight, other.quantizer) * g.t().contiguous()).sum().backward();
  CHECK(largest(x.grad() - again.grad()) == 0);
  for (std::size_t j = 0; j < one.set.size(); ++j)
    CHECK(one.quantizer.sums.candidates[j].gradient_quantized ==
          other.quantizer.sums.candidates[j].gradient_quantized);
}

TEST_CASE("the sums of two passes add up, the maximum stays the larger") {
  const at::Tensor weight = normal({3, 5}, 3), x = normal({9, 5}, 2), g = normal({9, 3}, 1);
  Mixture once, twice;
  const auto pass = [&](Mixture& mixture, double scale) {
    const at::Tensor input = (scale * x).set_requires_grad(true);
    (model::quantized_linear(input, weight, mixture.quantizer) * g).sum().backward();
  };
  pass(once, 1), pass(twice, 1), pass(twice, 0.5);
  CHECK(twice.quantizer.sums.count == 2 * once.quantizer.sums.count);
  CHECK(twice.quantizer.sums.square == Approx(1.25 * once.quantizer.sums.square).epsilon(1e-13));
  CHECK(twice.quantizer.sums.maximum == once.quantizer.sums.maximum);
}

TEST_CASE("the identity alone lets the input through untouched") {
  const at::Tensor x = normal({4, 5}, 2), weight = normal({3, 5}, 3);
  model::InputQuantizer identity;
  identity.candidates.push_back(quant::bind<double>({}, 1, 0, 1));
  CHECK(largest(model::quantized_linear(x, weight, identity) - at::matmul(x, weight.t())) == 0);
  CHECK(model::quantize_input(x, identity).is_same(x));
}

TEST_CASE("calibration keeps values of the whole tensor, at most as many as asked for, and passes them on") {
  model::InputQuantizer quantizer;
  quantizer.candidates = Mixture().quantizer.candidates;
  quantizer.pass_through = true;
  quantizer.sample_limit = 50;
  const at::Tensor x = normal({4, 5}, 2), weight = normal({3, 5}, 3);
  CHECK(largest(model::quantized_linear(x, weight, quantizer) - at::matmul(x, weight.t())) == 0);
  REQUIRE(quantizer.sample.size() == 20);
  for (std::int64_t i = 0; i < 20; ++i)
    CHECK(quantizer.sample[static_cast<std::size_t>(i)] == static_cast<float>(x.data_ptr<double>()[i]));
  for (int pass = 0; pass < 5; ++pass) model::quantize_input(x, quantizer);
  CHECK(quantizer.sample.size() == 50);
  // A tensor much larger than the sample: every column is visited.
  model::InputQuantizer large;
  large.pass_through = true;
  large.sample_limit = std::size_t{1} << 17;
  const at::Tensor columns = at::arange(64, precise).expand({8192, 64}).contiguous();
  model::quantize_input(columns, large);
  std::vector<int> seen(64, 0);
  for (const float value : large.sample) ++seen[static_cast<std::size_t>(value)];
  for (const int count : seen) CHECK(std::abs(count - static_cast<int>(large.sample.size() / 64)) <= 1);
}

TEST_CASE("a calibration over many passes hears the last as well as the first, and every column") {
  for (const std::int64_t passes : {2, 3, 5, 8}) {
    CAPTURE(passes);
    constexpr std::int64_t rows = 900, columns = 96;  // a stride of 3 would meet a third of the columns
    model::InputQuantizer quantizer;
    quantizer.pass_through = true;
    quantizer.sample_limit = std::size_t{1} << 17;
    quantizer.sample_passes = static_cast<std::size_t>(passes);
    const at::Tensor column = at::arange(columns, precise).expand({rows, columns});
    std::vector<double> by_pass(static_cast<std::size_t>(passes)), by_column(columns);
    for (std::int64_t pass = 0; pass < passes; ++pass)
      model::quantize_input((column + static_cast<double>(pass * columns)).contiguous(), quantizer);
    for (const float value : quantizer.sample) {
      ++by_pass[static_cast<std::size_t>(value) / columns];
      ++by_column[static_cast<std::size_t>(value) % columns];
    }
    const double all = static_cast<double>(quantizer.sample.size());
    CHECK(quantizer.sample.size() <= quantizer.sample_limit);
    CHECK(all > 0.2 * std::min<double>(static_cast<double>(quantizer.sample_limit),
                                       static_cast<double>(passes * rows * columns)));
    for (const double count : by_pass) CHECK(count == Approx(all / static_cast<double>(passes)));
    for (const double count : by_column)
      CHECK(std::abs(count - all / columns) <= static_cast<double>(passes));
  }
}
