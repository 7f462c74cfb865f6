#pragma once
// Numbers that quantizers get wrong, and candidates to try them on.
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "core/random.hpp"
#include "quant/methods/table.hpp"
#include "quant/mixed.hpp"

namespace quant_test {

using namespace bitdarts;
using namespace bitdarts::quant;

inline const std::vector<std::string> default_names{"lsq+:4",     "lsq+:8",  "lsq+:16",   "pact:4",
                                                    "pact:8",     "pact:16", "uniform:4", "uniform:8",
                                                    "uniform:16", "fp32"};

/// Every method of the table at every width, and fp32.
inline std::vector<Candidate> all_candidates() {
  std::vector<Candidate> candidates;
  for (int bits = 2; bits <= 16; ++bits)
    for (const auto& row : Methods::rows)
      if (has_codes(row)) candidates.push_back({row.method, bits});
  candidates.push_back({});
  return candidates;
}

/// A range that clips a standard normal now and then.
inline double usual_range(const Candidate& candidate) {
  if (!has_codes(candidate)) return 1;
  return traits(candidate.method).range == Range::step ? 2.3 / -smallest_code(candidate) : 2.3;
}

/// Unequal probabilities that sum to one.
template <class Real>
std::vector<BoundCandidate<Real>> bound_set(const std::vector<Candidate>& candidates, double offset) {
  std::vector<BoundCandidate<Real>> bound;
  const double n = static_cast<double>(candidates.size());
  for (std::size_t j = 0; j < candidates.size(); ++j)
    bound.push_back(bind<Real>(candidates[j], usual_range(candidates[j]), offset,
                               2 * static_cast<double>(j + 1) / (n * (n + 1))));
  return bound;
}

template <class Real>
std::vector<Real> normal_values(std::size_t count, std::uint64_t seed) {
  KeyedRandom random(seed, Stream::initialisation);
  std::vector<Real> values(count);
  for (auto& value : values) value = static_cast<Real>(random.normal());
  return values;
}

/// Ties, the ends of the range, their neighbours, zeros, denormals and large numbers for one candidate.
template <class Real>
std::vector<Real> awkward_values(const BoundCandidate<Real>& c) {
  constexpr Real infinity = std::numeric_limits<Real>::infinity();
  std::vector<Real> centres{Real(0), -Real(0), c.clip, -c.clip, c.step, c.offset};
  for (const Real code :
       {c.smallest, c.smallest + 1, Real(-2), Real(-1), Real(0), Real(1), Real(2), c.largest - 1, c.largest})
    for (const Real shift : {Real(-0.5), Real(0), Real(0.5)})
      centres.push_back((code + shift) * c.step + c.offset);
  std::vector<Real> values;
  for (const Real centre : centres)
    for (const Real value : {std::nextafter(centre, -infinity), centre, std::nextafter(centre, infinity)})
      values.push_back(value);
  constexpr Real denormal = std::numeric_limits<Real>::denorm_min(),
                 normal = std::numeric_limits<Real>::min();
  for (const Real value : {denormal, 1000 * denormal, normal, Real(1e-20), Real(1e10), Real(1e15)}) {
    values.push_back(value);
    values.push_back(-value);
  }
  return values;
}

/// awkward_values of every candidate, then normal ones up to `count`.
template <class Real>
std::vector<Real> mixed_values(const std::vector<BoundCandidate<Real>>& candidates, std::size_t count) {
  std::vector<Real> values;
  for (const auto& candidate : candidates)
    for (const Real value : awkward_values(candidate)) values.push_back(value);
  const auto usual = normal_values<Real>(count, 5);
  if (values.size() < count) values.insert(values.end(), usual.begin(), usual.end());
  values.resize(count);
  return values;
}

/// Equal, or neither a number.
template <class Real>
bool same(Real left, Real right) {
  return left == right || (std::isnan(left) && std::isnan(right));
}

}  // namespace quant_test
