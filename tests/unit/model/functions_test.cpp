#include "model/functions.hpp"

#include <cmath>

#include "catch.hpp"
#include "core/random.hpp"

using namespace bitdarts;

namespace {

const at::TensorOptions precise = at::TensorOptions().dtype(at::kDouble);

at::Tensor normal(std::vector<std::int64_t> shape, std::uint64_t seed) {
  at::Tensor x = at::empty(shape, precise);
  KeyedRandom random(seed, Stream::initialisation);
  for (std::int64_t i = 0; i < x.numel(); ++i) x.data_ptr<double>()[i] = random.normal();
  return x;
}
double largest(const at::Tensor& x) { return x.abs().max().item<double>(); }

// Cosine and sine [time, size] of the rotary embedding, for positions that need not begin at 0.
std::pair<at::Tensor, at::Tensor> rotary_tables(std::int64_t first, std::int64_t time, std::int64_t size,
                                                double theta) {
  const at::Tensor frequency = at::pow(theta, -at::arange(0, size, 2, precise) / static_cast<double>(size));
  const at::Tensor angle = at::outer(at::arange(first, first + time, precise), frequency);
  const at::Tensor both = at::cat({angle, angle}, -1);
  return {at::cos(both), at::sin(both)};
}

}  // namespace

TEST_CASE("the root-mean-square norm follows its formula") {
  for (const std::int64_t width : {1, 5, 16, 37}) {
    const at::Tensor x = normal({3, width}, 4), weight = normal({width}, 5);
    const double eps = 0.25;
    const at::Tensor y = model::rms_norm(x, weight, eps);
    for (std::int64_t t = 0; t < 3; ++t) {
      double square = 0;
      for (std::int64_t i = 0; i < width; ++i) square += std::pow(x[t][i].item<double>(), 2);
      const double rms = std::sqrt(square / static_cast<double>(width) + eps);
      for (std::int64_t i = 0; i < width; ++i)
        REQUIRE(y[t][i].item<double>() ==
                Approx(x[t][i].item<double>() / rms * weight[i].item<double>()).epsilon(1e-13));
    }
  }
}

TEST_CASE("the norm's kernel and its backward are the tensor operations'") {
  for (const auto type : {at::kDouble, at::kFloat}) {
    for (const std::int64_t width : {1, 4, 16, 50}) {
      CAPTURE(type, width);
      const double tolerance = type == at::kDouble ? 1e-13 : 1e-5;
      const at::Tensor g = normal({7, width}, 1).to(type);
      const at::Tensor x = normal({7, width}, 2).to(type).set_requires_grad(true),
                       weight = normal({width}, 3).to(type).set_requires_grad(true);
      const at::Tensor again_x = x.detach().clone().set_requires_grad(true),
                       again_weight = weight.detach().clone().set_requires_grad(true);
      const at::Tensor expected = model::reference::rms_norm(x, weight, 1e-5),
                       found = model::rms_norm(again_x, again_weight, 1e-5);
      (expected * g).sum().backward();
      (found * g).sum().backward();
      CHECK(largest(found - expected) < tolerance * largest(expected));
      CHECK(largest(again_x.grad() - x.grad()) < tolerance * (largest(x.grad()) + largest(g)));
      CHECK(largest(again_weight.grad() - weight.grad()) < tolerance * largest(weight.grad()));
    }
  }
}

TEST_CASE("the rotary embedding's kernel and its backward are the tensor operations'") {
  const auto [cosine, sine] = rotary_tables(3, 6, 8, 50);
  const at::Tensor g = normal({2, 3, 6, 8}, 1);
  const at::Tensor x = normal({2, 6, 3, 8}, 2).set_requires_grad(true),
                   again = x.detach().clone().set_requires_grad(true);
  const at::Tensor expected = model::reference::apply_rotary(x, cosine, sine),
                   found = model::apply_rotary(again, cosine, sine);
  REQUIRE(found.sizes() == expected.sizes());
  (expected * g).sum().backward();
  (found * g).sum().backward();
  CHECK(largest(found - expected) < 1e-14);
  CHECK(largest(again.grad() - x.grad()) < 1e-14);
}

TEST_CASE("the rotary embedding turns vectors without stretching them") {
  const auto [cosine, sine] = rotary_tables(0, 6, 8, 100);
  const at::Tensor x = normal({2, 6, 3, 8}, 1), y = model::apply_rotary(x, cosine, sine).transpose(1, 2);
  REQUIRE(y.sizes() == x.sizes());
  CHECK(largest((x * x).sum(-1) - (y * y).sum(-1)) < 1e-12);
  CHECK(largest(y.select(1, 0) - x.select(1, 0)) == 0);  // position 0 stays
  CHECK(largest(y.select(1, 1) - x.select(1, 1)) > 0.1);
}

TEST_CASE("after the rotary embedding a product depends on the distance of the positions alone") {
  constexpr std::int64_t time = 6, size = 8;
  // One query and one key vector at every position.
  const at::Tensor q = normal({1, 1, 1, size}, 2).expand({1, time, 1, size}),
                   k = normal({1, 1, 1, size}, 3).expand({1, time, 1, size});
  const auto products = [&](std::int64_t first) {
    const auto [cosine, sine] = rotary_tables(first, time, size, 100);
    return at::matmul(model::apply_rotary(q, cosine, sine),
                      model::apply_rotary(k, cosine, sine).transpose(-2, -1))[0][0];
  };
  const at::Tensor here = products(0), later = products(17);
  CHECK(largest(here - later) < 1e-12);
  for (std::int64_t t = 1; t < time; ++t)
    for (std::int64_t s = 1; s < time; ++s)
      CHECK(here[t][s].item<double>() == Approx(here[t - 1][s - 1].item<double>()).epsilon(1e-11));
  CHECK(std::abs(here[0][0].item<double>() - here[0][3].item<double>()) > 1e-3);
}

TEST_CASE("cross entropy is the mean of minus log of the softmax at the target") {
  const at::Tensor logits = 3 * normal({4, 7}, 6);
  const std::vector<std::int64_t> targets{0, 6, 3, 3};
  double expected = 0;
  for (std::int64_t t = 0; t < 4; ++t) {
    double total = 0;
    for (std::int64_t v = 0; v < 7; ++v) total += std::exp(logits[t][v].item<double>());
    expected += (std::log(total) - logits[t][targets[static_cast<std::size_t>(t)]].item<double>()) / 4;
  }
  CHECK(model::cross_entropy(logits, at::tensor(targets)).item<double>() == Approx(expected).epsilon(1e-13));
  const at::Tensor even = at::full({4, 7}, 1000.0, precise);  // no overflow
  CHECK(model::cross_entropy(even, at::tensor(targets)).item<double>() ==
        Approx(std::log(7.0)).epsilon(1e-13));
}
