#pragma once
// A network small enough for finite differences, and something for it to read.
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "core/random.hpp"
#include "data/corpus.hpp"
#include "model/layout.hpp"

namespace tiny {

using namespace bitdarts;

inline constexpr std::int64_t vocabulary = 11;

/// Two query heads on one key-value head; two blocks.
inline model::ModelShape shape(std::int64_t layers = 2, bool tied = true) {
  return {.vocab = vocabulary,
          .dim = 4,
          .layers = layers,
          .heads = 2,
          .kv_heads = 1,
          .ffn = 6,
          .context = 5,
          .rope_theta = 100.0,
          .norm_eps = 1e-5,
          .tied_embeddings = tied};
}

/// Weights of order one, so that nothing in a comparison is small by accident; norms near one.
inline std::vector<double> parameters(const model::ParameterLayout& layout, std::uint64_t seed = 3) {
  std::vector<double> values(layout.total);
  for (std::size_t i = 0; i < layout.parameters.size(); ++i) {
    const auto& p = layout.parameters[i];
    KeyedRandom random(seed, Stream::initialisation, i);
    for (std::size_t e = 0; e < p.size; ++e)
      values[p.begin + e] = p.matrix ? 0.5 * random.normal() : 1 + 0.2 * random.normal();
  }
  return values;
}

inline std::vector<float> narrowed(const std::vector<double>& values) {
  return {values.begin(), values.end()};
}

/// Tokens of a noisy counter: after t comes t + 1 mostly, so that there is something to learn.
inline data::TokenPart counting_part(std::size_t tokens, std::uint64_t seed,
                                     std::int64_t vocab = vocabulary) {
  data::TokenPart part;
  KeyedRandom random(seed, Stream::document_split);
  std::uint64_t token = 0;
  const auto n = static_cast<std::uint64_t>(vocab);
  for (std::size_t i = 0; i < tokens; ++i) {
    token = random.uniform() < 0.85 ? (token + 1) % n : random.below(n);
    part.ids.push_back(static_cast<std::int32_t>(token));
  }
  part.document_begin = {0, tokens};
  return part;
}

/// The size of the difference against the size of what is expected.
inline double relative_difference(std::span<const double> found, std::span<const double> expected) {
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    difference += (found[i] - expected[i]) * (found[i] - expected[i]);
    size += expected[i] * expected[i];
  }
  return found.size() != expected.size() ? INFINITY
                                         : std::sqrt(difference) / std::max(std::sqrt(size), 1e-300);
}

/// The derivative of `function` by `value`, by central differences of fourth order.
template <class Function>
double slope(double& value, double h, const Function& function) {
  const double at = value;
  const auto there = [&](double shift) {
    value = at + shift;
    const double result = function();
    value = at;
    return result;
  };
  return (8 * (there(h) - there(-h)) - (there(2 * h) - there(-2 * h))) / (12 * h);
}

}  // namespace tiny
