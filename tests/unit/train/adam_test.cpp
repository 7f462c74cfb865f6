#include "train/adam.hpp"

#include "catch.hpp"
#include "core/error.hpp"
#include "core/random.hpp"
#include "scratch_directory.hpp"

using namespace bitdarts;
using train::Adam;
using train::AdamOptions;

namespace {

// Kingma & Ba's Algorithm 1 for one number, with Loshchilov & Hutter's decay and bias corrections written
// out.
struct ScalarAdam {
  double m = 0, v = 0;
  int t = 0;
  double step(double w, double g, const AdamOptions& o, bool decays, double unit) {
    ++t;
    m = o.beta1 * m + (1 - o.beta1) * g;
    v = o.beta2 * v + (1 - o.beta2) * g * g;
    const double mean = m / (1 - std::pow(o.beta1, t)), square = v / (1 - std::pow(o.beta2, t));
    return w - unit * o.learning_rate * mean / (std::sqrt(square) + o.epsilon) -
           (decays ? o.learning_rate * o.weight_decay * w : 0.0);
  }
};

std::vector<double> normals(std::size_t count, std::uint64_t seed) {
  KeyedRandom random(seed, Stream::initialisation);
  std::vector<double> values(count);
  for (auto& v : values) v = random.normal();
  return values;
}

const AdamOptions options{
    .learning_rate = 0.03, .beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-3, .weight_decay = 0.2};
constexpr std::size_t size = 6;
const std::vector<std::uint8_t> decays{1, 1, 1, 0, 0, 0};
const std::vector<double> unit{1, 0.01, 30, 1, 0, 2};

}  // namespace

TEST_CASE("Adam takes the steps of the algorithm written down for one number") {
  Adam<double> adam(size);
  Adam<float> narrow(size);
  auto weights = normals(size, 1), expected = weights;
  std::vector<float> narrow_weights(weights.begin(), weights.end());
  std::vector<ScalarAdam> scalars(size);
  for (std::uint64_t step = 0; step < 20; ++step) {
    AdamOptions now = options;
    now.learning_rate *= 1 - 0.02 * static_cast<double>(step);  // schedules change it
    const auto gradient = normals(size, 10 + step);
    const std::vector<float> narrow_gradient(gradient.begin(), gradient.end());
    adam.step(weights, gradient, now, decays, unit);
    narrow.step(narrow_weights, narrow_gradient, now, decays, unit);
    for (std::size_t i = 0; i < size; ++i) {
      expected[i] = scalars[i].step(expected[i], gradient[i], now, decays[i] != 0, unit[i]);
      REQUIRE(weights[i] == Approx(expected[i]).epsilon(1e-12));
      REQUIRE(static_cast<double>(narrow_weights[i]) == Approx(expected[i]).epsilon(1e-4).margin(1e-5));
    }
  }
}

TEST_CASE("without a list of decays nothing decays, without units all are one") {
  Adam<double> one(size), other(size);
  auto weights = normals(size, 1), again = weights;
  const auto gradient = normals(size, 2);
  one.step(weights, gradient, options);
  other.step(again, gradient, options, std::vector<std::uint8_t>(size, 0), std::vector<double>(size, 1.0));
  CHECK(weights == again);
}

TEST_CASE("a virtual step is the step, to the last bit, and leaves the optimiser where it was") {
  Adam<double> adam(size);
  auto weights = normals(size, 1);
  std::vector<double> moved(size), jacobian(size);
  for (std::uint64_t step = 0; step < 5; ++step) {
    const auto gradient = normals(size, 10 + step);
    adam.virtual_step(weights, gradient, options, decays, moved, jacobian);
    adam.virtual_step(weights, gradient, options, decays, moved, jacobian);
    adam.step(weights, gradient, options, decays);
    REQUIRE(moved == weights);
  }
}

TEST_CASE("a virtual step's jacobian is minus the derivative of the moved weights by the gradient") {
  Adam<double> adam(size);
  auto weights = normals(size, 1);
  for (std::uint64_t step = 0; step < 5; ++step) {
    auto gradient = normals(size, 10 + step);
    std::vector<double> moved(size), jacobian(size), up(size), down(size), unused(size);
    adam.virtual_step(weights, gradient, options, decays, moved, jacobian);
    constexpr double h = 1e-5;
    for (auto& g : gradient) g += h;
    adam.virtual_step(weights, gradient, options, decays, up, unused);
    for (auto& g : gradient) g -= 2 * h;
    adam.virtual_step(weights, gradient, options, decays, down, unused);
    for (std::size_t i = 0; i < size; ++i)
      REQUIRE(jacobian[i] == Approx(-(up[i] - down[i]) / (2 * h)).epsilon(1e-6).margin(1e-8));
    for (auto& g : gradient) g += h;
    adam.step(weights, gradient, options, decays);
  }
}

TEST_CASE("a weight that never had a gradient has no jacobian, rather than one over epsilon") {
  // The embedding of a token that has not been seen: its 1/epsilon would drown every other direction.
  const AdamOptions usual{.learning_rate = 1e-3};
  Adam<double> adam(2);
  std::vector<double> weights{1, 1}, gradient{0.5, 0}, moved(2), jacobian(2);
  adam.step(weights, gradient, usual);
  adam.virtual_step(weights, gradient, usual, {}, moved, jacobian);
  CHECK(jacobian[0] != 0);
  CHECK(jacobian[1] == 0);
  CHECK(moved[1] == 1);
}

TEST_CASE("an optimiser that was saved and loaded goes on to the last bit") {
  const ScratchDirectory scratch;
  const auto path = scratch / "state.h5";
  Adam<float> adam(size);
  std::vector<float> weights(size, 0.5f), gradient{1, -2, 3, 0.1f, 0, -0.3f};
  for (int step = 0; step < 3; ++step) adam.step(weights, gradient, options, decays);
  auto file = store::File::create(path);
  adam.save(file, "weights");
  file.close();
  Adam<float> loaded(size);
  loaded.load(store::File::open(path), "weights");
  auto again = weights;
  adam.step(weights, gradient, options, decays);
  loaded.step(again, gradient, options, decays);
  CHECK(weights == again);
  Adam<float> shorter(size - 1);
  CHECK_THROWS_AS(shorter.load(store::File::open(path), "weights"), InputError);
  CHECK_THROWS_AS(loaded.load(store::File::open(path), "alpha"), InputError);
}

TEST_CASE("the norm is Euclid's, in double") {
  CHECK(train::norm<double>(std::vector<double>{3, 4}) == 5);
  CHECK(train::norm<double>(std::vector<double>{}) == 0);
  const std::vector<float> many(100003, 0.1f);
  CHECK(train::norm<float>(many) == Approx(static_cast<double>(0.1f) * std::sqrt(100003.0)).epsilon(1e-12));
  CHECK(train::norm<float>(std::vector<float>{3e30f, 4e30f}) == Approx(5e30).epsilon(1e-6));  // no overflow
}

TEST_CASE("clipping shortens a gradient to the limit and keeps its direction") {
  std::vector<double> gradient{3, -4};
  CHECK(train::clip_norm<double>(gradient, 6) == 5);
  CHECK(gradient == std::vector<double>{3, -4});  // short enough
  CHECK(train::clip_norm<double>(gradient, 0) == 5);
  CHECK(gradient == std::vector<double>{3, -4});  // 0: off
  CHECK(train::clip_norm<double>(gradient, 2.5) == 5);
  CHECK(gradient[0] == Approx(1.5));
  CHECK(gradient[1] == Approx(-2));
}

TEST_CASE("the learning rate rises linearly to its peak and falls on a cosine to its share at the end") {
  const auto rate = [](std::int64_t step) { return train::warmup_cosine(step, 110, 10, 2.0, 0.1); };
  CHECK(rate(0) == Approx(0.2));
  CHECK(rate(4) == Approx(1.0));
  CHECK(rate(9) == Approx(2.0));
  CHECK(rate(10) == Approx(2.0));
  CHECK(rate(60) == Approx(2.0 * (0.1 + 0.9 * 0.5)));  // half way
  CHECK(rate(35) == Approx(2.0 * (0.1 + 0.9 * 0.5 * (1 + std::sqrt(0.5)))));
  CHECK(rate(110) == Approx(0.2));
  CHECK(rate(1000) == Approx(0.2));  // not up again
  for (std::int64_t step = 11; step < 110; ++step) CHECK(rate(step) < rate(step - 1));
  CHECK(train::warmup_cosine(0, 100, 0, 2.0, 0.1) == Approx(2.0));
  CHECK(train::warmup_cosine(5, 5, 5, 2.0, 0.1) == Approx(2.0));  // warm-up all the way: no division by zero
}
