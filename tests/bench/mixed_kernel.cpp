// How long the fused mixed quantizer takes per element, for each instruction set this processor has.
// Not a test: bench_mixed_kernel [elements] [candidates...], by default 2^20 and the ten default candidates.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "quant/mixed_kernel.hpp"

using namespace bitdarts;
using namespace bitdarts::quant;

namespace {

template <class Real>
struct Problem {
  std::vector<Real> x, gradient, dx, mixed;
  std::vector<BoundCandidate<Real>> candidates;
};

template <class Real>
Problem<Real> make_problem(std::size_t elements, const std::vector<Candidate>& candidates) {
  Problem<Real> p{std::vector<Real>(elements),
                  std::vector<Real>(elements),
                  std::vector<Real>(elements),
                  std::vector<Real>(elements),
                  {}};
  for (std::size_t i = 0; i < elements; ++i) {
    p.x[i] = static_cast<Real>(std::sin(static_cast<double>(i) * 12.9898) * 3);
    p.gradient[i] = static_cast<Real>(std::cos(static_cast<double>(i) * 78.233));
  }
  for (const auto& candidate : candidates) {
    const double range =
        traits(candidate.method).range == Range::step ? 2.5 / -smallest_code(candidate) : 2.5;
    p.candidates.push_back(bind<Real>(candidate, range, 0.1, 1.0 / static_cast<double>(candidates.size())));
  }
  return p;
}

// The best of several runs, in nanoseconds per element.
template <class Work>
double time_per_element(std::size_t elements, const Work& work) {
  double best = 1e30;
  const std::size_t repetitions =
      std::max<std::size_t>(1, (std::size_t{1} << 22) / std::max<std::size_t>(elements, 1));
  for (int run = 0; run < 7; ++run) {
    const auto start = std::chrono::steady_clock::now();
    for (std::size_t r = 0; r < repetitions; ++r) work();
    const std::chrono::duration<double, std::nano> passed = std::chrono::steady_clock::now() - start;
    best = std::min(best, passed.count() / static_cast<double>(repetitions * elements));
  }
  return best;
}

template <class Real>
void report(const char* type, std::size_t elements, const std::vector<Candidate>& candidates) {
  auto p = make_problem<Real>(elements, candidates);
  const std::size_t count = candidates.size();
  std::vector<CandidateSums> sums(count);
  for (const auto& [set, name] : {std::pair{InstructionSet::baseline, "baseline"},
                                  {InstructionSet::avx2, "avx2"},
                                  {InstructionSet::avx512, "avx512"}}) {
    if (!is_supported(set)) continue;
    const auto kernels = block_kernels<Real>(set);
    const auto by_blocks = [&](const auto& block) {
      for (std::size_t i = 0; i < elements; i += block_elements)
        block(i, std::min(block_elements, elements - i));
    };
    const double forward = time_per_element(elements, [&] {
      by_blocks([&](std::size_t i, std::size_t n) {
        kernels.forward(p.x.data() + i, n, p.candidates.data(), count, p.mixed.data() + i);
      });
    });
    const double backward = time_per_element(elements, [&] {
      by_blocks([&](std::size_t i, std::size_t n) {
        BlockSums block{sums.data()};
        kernels.backward(p.x.data() + i, p.gradient.data() + i, n, p.candidates.data(), count,
                         p.dx.data() + i, p.mixed.data() + i, block);
      });
    });
    const double errors = time_per_element(elements, [&] {
      by_blocks([&](std::size_t i, std::size_t n) {
        BlockSums block{sums.data()};
        kernels.errors(p.x.data() + i, n, p.candidates.data(), count, block);
      });
    });
    std::printf("%-7s %-9s %8.2f %8.2f %8.2f\n", type, name, forward, backward, errors);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t elements =
      argc > 1 ? static_cast<std::size_t>(std::atoll(argv[1])) : std::size_t{1} << 20;
  std::vector<std::string> names(argv + std::min(argc, 2), argv + argc);
  if (names.empty())
    names = {"lsq+:4",  "lsq+:8",    "lsq+:16",   "pact:4",     "pact:8",
             "pact:16", "uniform:4", "uniform:8", "uniform:16", "fp32"};
  std::printf("%zu elements, %zu candidates, one thread [ns per element]\n", elements, names.size());
  std::printf("%-7s %-9s %8s %8s %8s\n", "type", "set", "forward", "backward", "errors");
  report<float>("float", elements, parse_candidates(names));
  report<double>("double", elements, parse_candidates(names));
}
