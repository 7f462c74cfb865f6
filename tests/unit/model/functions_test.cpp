#include "model/functions.hpp"

#include <cmath>
#include <limits>

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

TEST_CASE("the rotary embedding turns vectors without stretching them") {
  const auto [cosine, sine] = rotary_tables(0, 6, 8, 100);
  const at::Tensor x = normal({2, 6, 3, 8}, 1),
                   y = model::reference::apply_rotary(x, cosine, sine).transpose(1, 2);
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
    return at::matmul(model::reference::apply_rotary(q, cosine, sine),
                      model::reference::apply_rotary(k, cosine, sine).transpose(-2, -1))[0][0];
  };
  const at::Tensor here = products(0), later = products(17);
  CHECK(largest(here - later) < 1e-12);
  for (std::int64_t t = 1; t < time; ++t)
    for (std::int64_t s = 1; s < time; ++s)
      CHECK(here[t][s].item<double>() == Approx(here[t - 1][s - 1].item<double>()).epsilon(1e-11));
  CHECK(std::abs(here[0][0].item<double>() - here[0][3].item<double>()) > 1e-3);
}

TEST_CASE("attention and its backward are the tensor operations'") {
  struct Case {
    model::AttentionShape shape;
    const char* what;
  };
  for (const auto& [shape, what] :
       {Case{{2, 1, 2, 2, 4}, "one position"}, Case{{1, 37, 3, 3, 6}, "half a block"},
        Case{{2, 64, 4, 2, 8}, "one block, shared keys"},
        Case{{1, 150, 6, 2, 10}, "more than two blocks, three queries to a key"}}) {
    for (const auto type : {at::kDouble, at::kFloat}) {
      CAPTURE(what, type);
      const double tolerance = type == at::kDouble ? 1e-12 : 2e-5;
      const auto [cosine, sine] = rotary_tables(0, shape.time, shape.size, 50);
      const at::Tensor g = normal({shape.rows(), shape.width()}, 1).to(type);
      const std::vector<at::Tensor> inputs{normal({shape.rows(), shape.width()}, 2),
                                           normal({shape.rows(), shape.kv_width()}, 3),
                                           normal({shape.rows(), shape.kv_width()}, 4)};
      const auto run = [&](const auto& attention) {
        std::vector<at::Tensor> results;
        for (const auto& x : inputs) results.push_back((2 * x).to(type).set_requires_grad(true));
        const at::Tensor y =
            attention(shape, results[0], results[1], results[2], cosine.to(type), sine.to(type));
        (y * g).sum().backward();
        for (at::Tensor& x : results) x = x.grad();
        results.push_back(y);
        return results;
      };
      const auto found = run(model::rotary_attention), expected = run(model::reference::rotary_attention);
      for (std::size_t i = 0; i < found.size(); ++i) {
        CAPTURE(i);
        REQUIRE(found[i].sizes() == expected[i].sizes());
        CHECK(largest(found[i] - expected[i]) <= tolerance * largest(expected[i]));
      }
    }
  }
}

TEST_CASE("attention looks at no later position") {
  const model::AttentionShape shape{1, 100, 2, 1, 4};
  const auto [cosine, sine] = rotary_tables(0, shape.time, shape.size, 50);
  const at::Tensor q = normal({100, 8}, 1), k = normal({100, 4}, 2), v = normal({100, 4}, 3);
  const at::Tensor before = model::rotary_attention(shape, q, k, v, cosine, sine);
  at::Tensor later_k = k.clone(), later_v = v.clone();
  later_k[70] = std::numeric_limits<double>::quiet_NaN();
  later_v[70] = 1e9;
  const at::Tensor after = model::rotary_attention(shape, q, later_k, later_v, cosine, sine);
  CHECK(at::equal(after.narrow(0, 0, 64), before.narrow(0, 0, 64)));
  CHECK(after.narrow(0, 70, 30).isnan().all().item<bool>());
}

TEST_CASE("the number of threads changes no bit") {
  // Enough of everything for several threads.
  const model::AttentionShape shape{4, 100, 6, 3, 8};
  const auto [cosine, sine] = rotary_tables(0, shape.time, shape.size, 50);
  const std::vector<at::Tensor> inputs{normal({400, 48}, 2),  normal({400, 24}, 3),  normal({400, 24}, 4),
                                       normal({400, 300}, 5), normal({400, 300}, 6), normal({300}, 7)};
  const auto run = [&](int threads, bool reference) {
    at::set_num_threads(threads);
    std::vector<at::Tensor> results;
    for (const auto& x : inputs) results.push_back(x.detach().clone().set_requires_grad(true));
    const auto& x = results;
    const std::vector<at::Tensor> outputs =
        reference ? std::vector<at::Tensor>{model::reference::rotary_attention(shape, x[0], x[1], x[2],
                                                                               cosine, sine),
                                            model::reference::swiglu(x[3], x[4]),
                                            model::reference::rms_norm(x[3], x[5], 1e-5)}
                  : std::vector<at::Tensor>{model::rotary_attention(shape, x[0], x[1], x[2], cosine, sine),
                                            model::swiglu(x[3], x[4]), model::rms_norm(x[3], x[5], 1e-5)};
    for (const at::Tensor& y : outputs) (y * y).sum().backward();
    for (at::Tensor& tensor : results) tensor = tensor.grad();
    results.insert(results.end(), outputs.begin(), outputs.end());
    return results;
  };
  const int threads_before = at::get_num_threads();
  const auto one = run(1, false), expected = run(1, true);
  for (const int threads : {2, 3, 7}) {
    const auto found = run(threads, false);
    for (std::size_t i = 0; i < one.size(); ++i) CHECK(at::equal(found[i], one[i]));
  }
  for (std::size_t i = 0; i < one.size(); ++i)
    CHECK(largest(one[i] - expected[i]) <= 1e-11 * largest(expected[i]));
  at::set_num_threads(threads_before);
}

TEST_CASE("SwiGLU and its backward are the tensor operations'") {
  for (const auto type : {at::kDouble, at::kFloat}) {
    for (const std::int64_t width : {1, 16, 37}) {
      const double tolerance = type == at::kDouble ? 1e-13 : 1e-6;
      const at::Tensor g = normal({5, width}, 1).to(type);
      const auto run = [&](const auto& function) {
        const at::Tensor gate = (20 * normal({5, width}, 2)).to(type).set_requires_grad(true),
                         up = normal({5, width}, 3).to(type).set_requires_grad(true);
        const at::Tensor y = function(gate, up);
        (y * g).sum().backward();
        return std::vector<at::Tensor>{y, gate.grad(), up.grad()};
      };
      const auto found = run(model::swiglu), expected = run(model::reference::swiglu);
      for (std::size_t i = 0; i < found.size(); ++i)
        CHECK(largest(found[i] - expected[i]) <= tolerance * (1 + largest(expected[i])));
    }
  }
}

TEST_CASE("the output's loss and its gradients are the tensor operations'") {
  struct Case {
    std::int64_t rows, dim, vocab;
  };
  // The last one takes several lots of rows.
  for (const auto& [rows, dim, vocab] :
       {Case{1, 3, 7}, Case{70, 5, 16}, Case{9, 4, 1000}, Case{150, 3, 40000}}) {
    for (const auto type : {at::kDouble, at::kFloat}) {
      CAPTURE(rows, vocab, type);
      const double tolerance = type == at::kDouble ? 1e-12 : 2e-5;
      at::Tensor targets = at::empty({rows}, at::kLong);
      for (std::int64_t r = 0; r < rows; ++r) targets[r] = (r * 7919) % vocab;
      const auto run = [&](const auto& function) {
        const at::Tensor hidden = normal({rows, dim}, 2).to(type).set_requires_grad(true),
                         head = normal({vocab, dim}, 3).to(type).set_requires_grad(true);
        const at::Tensor loss = function(hidden, head, targets, 0.25);
        (3 * loss).backward();
        return std::vector<at::Tensor>{loss, hidden.grad(), head.grad()};
      };
      const auto found = run(model::linear_cross_entropy),
                 expected = run(model::reference::linear_cross_entropy);
      for (std::size_t i = 0; i < found.size(); ++i)
        CHECK(largest(found[i] - expected[i]) <= tolerance * largest(expected[i]));
    }
  }
}

TEST_CASE("the output's loss is the mean of minus log of the softmax at the target") {
  const at::Tensor identity = at::eye(7, precise), logits = 3 * normal({4, 7}, 6);
  const std::vector<std::int64_t> targets{0, 6, 3, 3};
  double expected = 0;
  for (std::int64_t t = 0; t < 4; ++t) {
    double total = 0;
    for (std::int64_t v = 0; v < 7; ++v) total += std::exp(logits[t][v].item<double>());
    expected += (std::log(total) - logits[t][targets[static_cast<std::size_t>(t)]].item<double>()) / 4;
  }
  const auto loss = [&](const at::Tensor& of) {
    return model::linear_cross_entropy(of, identity, at::tensor(targets)).item<double>();
  };
  CHECK(loss(logits) == Approx(expected).epsilon(1e-13));
  CHECK(loss(at::full({4, 7}, 1000.0, precise)) == Approx(std::log(7.0)).epsilon(1e-13));  // no overflow
  CHECK_THROWS_WITH(
      model::linear_cross_entropy(logits, identity, at::tensor(std::vector<std::int64_t>{0, 6, 7, 3})),
      Catch::Contains("token 7"));
}

TEST_CASE("only the gradients that are wanted are made") {
  const at::Tensor hidden = normal({3, 4}, 1).set_requires_grad(true), head = normal({9, 4}, 2);
  model::linear_cross_entropy(hidden, head, at::zeros({3}, at::kLong)).backward();
  CHECK(hidden.grad().defined());
  CHECK_FALSE(head.grad().defined());
  const at::Tensor constant = normal({3, 4}, 1), learned = normal({9, 4}, 2).set_requires_grad(true);
  model::linear_cross_entropy(constant, learned, at::zeros({3}, at::kLong)).backward();
  const at::Tensor found = learned.grad().clone();
  learned.mutable_grad().zero_();
  model::reference::linear_cross_entropy(constant, learned, at::zeros({3}, at::kLong)).backward();
  CHECK(largest(found - learned.grad()) < 1e-13);
  at::NoGradGuard no_grad;
  CHECK_FALSE(model::linear_cross_entropy(hidden, head, at::zeros({3}, at::kLong)).requires_grad());
}

TEST_CASE("tensors that do not fit together are refused") {
  const at::Tensor x = normal({4, 6}, 1), table = normal({2, 6}, 2);
  CHECK_THROWS_WITH(model::rms_norm(x, normal({5}, 1), 1e-5), Catch::Contains("weight"));
  CHECK_THROWS_WITH(model::swiglu(x, normal({4, 5}, 1)), Catch::Contains("up"));
  CHECK_THROWS_WITH(model::rotary_attention({2, 2, 1, 1, 6}, x, x, normal({4, 5}, 1), table, table),
                    Catch::Contains("v is"));
  CHECK_THROWS_WITH(model::rotary_attention({2, 2, 1, 1, 6}, x, x, x, table, normal({1, 6}, 1)),
                    Catch::Contains("sine"));
  CHECK_THROWS_WITH(model::linear_cross_entropy(x, normal({9, 6}, 1), at::zeros({3}, at::kLong)),
                    Catch::Contains("3 targets for 4 rows"));
}
