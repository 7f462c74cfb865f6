#include "search/unrolled.hpp"

#include "catch.hpp"
#include "core/random.hpp"

using namespace bitdarts;

namespace {

// L(w, a) = Σ_k a_k (q_k^T w)^2 / 2 + Σ_k a_k^2 (r_k^T w)^3 / 6: the mixed derivative is known.
struct Cubic {
  static constexpr std::size_t weights = 7, architecture = 3;
  std::vector<std::vector<double>> q, r;
  std::vector<double> a;
  Cubic() {
    KeyedRandom random(3, Stream::initialisation);
    const auto vectors = [&] {
      std::vector<std::vector<double>> v(architecture, std::vector<double>(weights));
      for (auto& row : v)
        for (auto& x : row) x = random.normal();
      return v;
    };
    q = vectors(), r = vectors();
    for (std::size_t k = 0; k < architecture; ++k) a.push_back(random.normal());
  }
  static double dot(const std::vector<double>& u, std::span<const double> v) {
    double sum = 0;
    for (std::size_t i = 0; i < u.size(); ++i) sum += u[i] * v[i];
    return sum;
  }
  std::vector<double> by_architecture(std::span<const double> w) const {
    std::vector<double> g;
    for (std::size_t k = 0; k < architecture; ++k)
      g.push_back(std::pow(dot(q[k], w), 2) / 2 + a[k] * std::pow(dot(r[k], w), 3) / 3);
    return g;
  }
  // d/dw of the above times d.
  std::vector<double> product(std::span<const double> w, std::span<const double> d) const {
    std::vector<double> p;
    for (std::size_t k = 0; k < architecture; ++k)
      p.push_back(dot(q[k], w) * dot(q[k], d) + a[k] * std::pow(dot(r[k], w), 2) * dot(r[k], d));
    return p;
  }
};

}  // namespace

TEST_CASE("the finite-difference product is the exact Hessian-vector product, up to its third derivative") {
  const Cubic cubic;
  KeyedRandom random(4, Stream::initialisation);
  for (const double length :
       {1e-6, 1.0, 1e4}) {  // the perturbation does not depend on the direction's length
    std::vector<double> w(Cubic::weights), d(Cubic::weights);
    for (auto& x : w) x = random.normal();
    for (auto& x : d) x = length * random.normal();
    std::vector<double> seen;
    const auto found = search::hessian_vector_product<double>(w, d, [&](std::span<const double> at) {
      double distance = 0;
      for (std::size_t i = 0; i < at.size(); ++i) distance += std::pow(at[i] - w[i], 2);
      seen.push_back(std::sqrt(distance));
      return cubic.by_architecture(at);
    });
    CHECK(seen.size() == 2);
    for (const double distance : seen) CHECK(distance == Approx(0.01).epsilon(1e-9));
    const auto expected = cubic.product(w, d);
    for (std::size_t k = 0; k < expected.size(); ++k) {
      // Central differences of a cubic along d: the error is R^2/6 of its third derivative, here a (r d)^3 /
      // 3 · R^2.
      const double radius = 0.01 / train::norm<double>(d);
      const double remainder =
          std::abs(cubic.a[k] * std::pow(Cubic::dot(cubic.r[k], d), 3) / 3) * radius * radius;
      CHECK(std::abs(found[k] - expected[k]) <= remainder * 1.001 + 1e-9 * std::abs(expected[k]));
      CHECK(found[k] == Approx(expected[k]).epsilon(5e-3));
    }
  }
}

TEST_CASE("in single precision the product is right to a percent") {
  const Cubic cubic;
  KeyedRandom random(5, Stream::initialisation);
  std::vector<double> w(Cubic::weights), d(Cubic::weights);
  for (auto& x : w) x = random.normal();
  for (auto& x : d) x = random.normal();
  const std::vector<float> narrow_w(w.begin(), w.end()), narrow_d(d.begin(), d.end());
  const auto found =
      search::hessian_vector_product<float>(narrow_w, narrow_d, [&](std::span<const float> at) {
        return cubic.by_architecture(std::vector<double>(at.begin(), at.end()));
      });
  const auto expected = cubic.product(w, d);
  for (std::size_t k = 0; k < expected.size(); ++k) CHECK(found[k] == Approx(expected[k]).epsilon(1e-2));
}

TEST_CASE("no direction, no product") {
  const Cubic cubic;
  const std::vector<double> w(Cubic::weights, 1.0), d(Cubic::weights, 0.0);
  const auto found = search::hessian_vector_product<double>(
      w, d, [&](std::span<const double> at) { return cubic.by_architecture(at); });
  CHECK(found == std::vector<double>(Cubic::architecture, 0.0));
}
