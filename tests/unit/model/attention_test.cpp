#include "model/attention.hpp"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "catch.hpp"
#include "core/random.hpp"

using namespace bitdarts;
using model::AttentionShape;

namespace {

using Values = std::vector<double>;

Values noise(std::int64_t count, std::uint64_t number) {
  KeyedRandom random(5, Stream::initialisation, number);
  Values values(static_cast<std::size_t>(count));
  for (double& value : values) value = 4 * random.uniform() - 2;
  return values;
}

struct Inputs {
  Values q, k, v, dout;
  explicit Inputs(const AttentionShape& s)
      : q(noise(s.rows() * s.width(), 1)),
        k(noise(s.rows() * s.kv_width(), 2)),
        v(noise(s.rows() * s.kv_width(), 3)),
        dout(noise(s.rows() * s.width(), 4)) {}
};

struct Outputs {
  Values out, dq, dk, dv;
};

// Row by row as the textbook has it: p = softmax(q k^T / sqrt(size)) over the keys up to the query, out = p
// v; dv = p^T dout, ds = p (dp - sum p dp) with dp = dout v^T, dq = ds k / sqrt(size), dk = ds^T q /
// sqrt(size).
Outputs reference(const AttentionShape& s, const Inputs& in) {
  Outputs o{Values(in.q.size(), 0), Values(in.q.size(), 0), Values(in.k.size(), 0), Values(in.v.size(), 0)};
  const double scale = 1 / std::sqrt(static_cast<double>(s.size));
  const auto at = [](std::int64_t row, std::int64_t width, std::int64_t head, std::int64_t size) {
    return static_cast<std::size_t>(row * width + head * size);
  };
  for (std::int64_t b = 0; b < s.batch; ++b)
    for (std::int64_t h = 0; h < s.heads; ++h)
      for (std::int64_t t = 0; t < s.time; ++t) {
        const std::int64_t kv_head = h * s.kv_heads / s.heads, first = b * s.time;
        const std::size_t query = at(first + t, s.width(), h, s.size);
        const auto key = [&](std::int64_t j) { return at(first + j, s.kv_width(), kv_head, s.size); };
        const auto dot = [&](const Values& x, std::size_t i, const Values& y, std::size_t j) {
          double sum = 0;
          for (std::int64_t e = 0; e < s.size; ++e) sum += x[i + std::size_t(e)] * y[j + std::size_t(e)];
          return sum;
        };
        const auto add = [&](Values& to, std::size_t i, double factor, const Values& from, std::size_t j) {
          for (std::int64_t e = 0; e < s.size; ++e)
            to[i + std::size_t(e)] += factor * from[j + std::size_t(e)];
        };
        Values p, dp;
        double sum = 0, mean = 0;
        for (std::int64_t j = 0; j <= t; ++j)
          sum += p.emplace_back(std::exp(scale * dot(in.q, query, in.k, key(j))));
        for (std::int64_t j = 0; j <= t; ++j) {
          p[std::size_t(j)] /= sum;
          dp.push_back(dot(in.dout, query, in.v, key(j)));
          mean += p[std::size_t(j)] * dp.back();
        }
        for (std::int64_t j = 0; j <= t; ++j) {
          const double weight = p[std::size_t(j)], ds = weight * (dp[std::size_t(j)] - mean) * scale;
          add(o.out, query, weight, in.v, key(j));
          add(o.dv, key(j), weight, in.dout, query);
          add(o.dq, query, ds, in.k, key(j));
          add(o.dk, key(j), ds, in.q, query);
        }
      }
  return o;
}

template <class Real>
Outputs computed(const AttentionShape& s, const Inputs& in) {
  const auto as = [](const Values& values) { return std::vector<Real>(values.begin(), values.end()); };
  const auto q = as(in.q), k = as(in.k), v = as(in.v), dout = as(in.dout);
  // What the gradients held must not count.
  std::vector<Real> out(q.size(), Real(NAN)), dq(out), dk(k.size(), Real(NAN)), dv(dk),
      statistics(std::size_t(s.statistics()));
  model::attention_forward(s, q.data(), k.data(), v.data(), out.data(), statistics.data());
  model::attention_backward(s, q.data(), k.data(), v.data(), statistics.data(), dout.data(), dq.data(),
                            dk.data(), dv.data());
  const auto back = [](const std::vector<Real>& values) { return Values(values.begin(), values.end()); };
  return {back(out), back(dq), back(dk), back(dv)};
}

double distance(const Values& a, const Values& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return std::isfinite(largest) && a.size() == b.size() ? largest : INFINITY;
}

void check(const AttentionShape& s) {
  CAPTURE(s.batch, s.time, s.heads, s.kv_heads, s.size);
  const Inputs in(s);
  const Outputs wanted = reference(s, in);
  const auto within = [&](const Outputs& found, double tolerance) {
    CHECK(distance(found.out, wanted.out) < tolerance);
    CHECK(distance(found.dq, wanted.dq) < tolerance);
    CHECK(distance(found.dk, wanted.dk) < tolerance);
    CHECK(distance(found.dv, wanted.dv) < tolerance);
  };
  const auto terms = static_cast<double>(s.time * s.heads);  // in a sum, each of a few units at most
  within(computed<double>(s, in), 1e-14 * (100 + 8 * terms));
  within(computed<float>(s, in), 1e-6 * (100 + 8 * terms));
}

}  // namespace

TEST_CASE("attention and its gradients are those of the textbook") {
  check({.batch = 1, .time = 1, .heads = 1, .kv_heads = 1, .size = 2});
  check({.batch = 2, .time = 7, .heads = 2, .kv_heads = 2, .size = 4});
  check({.batch = 1, .time = 150, .heads = 2, .kv_heads = 1, .size = 8});  // several blocks of queries
}

TEST_CASE("heads that share keys and values add up their gradients") {
  check({.batch = 2, .time = 9, .heads = 4, .kv_heads = 2, .size = 6});
  check({.batch = 1, .time = 5, .heads = 6, .kv_heads = 1, .size = 2});
}

TEST_CASE("attention has the same bits on any number of threads") {
  const AttentionShape shape{.batch = 2, .time = 70, .heads = 4, .kv_heads = 2, .size = 8};
  const Inputs in(shape);
  const int before = omp_get_max_threads();
  omp_set_num_threads(1);
  const Outputs one = computed<float>(shape, in);
  omp_set_num_threads(3);
  const Outputs three = computed<float>(shape, in);
  omp_set_num_threads(before);
  CHECK((one.out == three.out));
  CHECK((one.dq == three.dq));
  CHECK((one.dk == three.dk));
  CHECK((one.dv == three.dv));
}
