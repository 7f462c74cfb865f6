#include "quant/mixed.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.hpp"
#include "quant/mixed_kernel.hpp"

namespace bitdarts::quant {
namespace {

// Blocks whose sums are kept at a time, so that memory does not grow with the tensor.
constexpr std::size_t window_blocks = 1024;
// Below this many blocks per call, waking the threads costs more than they save.
constexpr std::size_t threaded_blocks = 16;

template <class Real>
BlockKernels<Real> kernels() {
  static const BlockKernels<Real> best = block_kernels<Real>(best_instruction_set());
  return best;
}

std::size_t blocks_of(std::size_t elements) { return (elements + block_elements - 1) / block_elements; }

void require_size(const char* what, std::size_t size, std::size_t expected) {
  if (size != expected)
    throw Error(std::string(what) + " has " + std::to_string(size) + " elements, x has " +
                std::to_string(expected));
}

void add(CandidateSums& to, const CandidateSums& from) {
  to.gradient_quantized += from.gradient_quantized;
  to.squared_error += from.squared_error;
  to.gradient_range += from.gradient_range;
  to.error_range += from.error_range;
  to.gradient_offset += from.gradient_offset;
  to.error_offset += from.error_offset;
}

void add(MixedSums& to, const MixedSums& from) {
  if (to.candidates.empty()) to.candidates.resize(from.candidates.size());
  require_size("the list of sums", to.candidates.size(), from.candidates.size());
  for (std::size_t j = 0; j < from.candidates.size(); ++j) add(to.candidates[j], from.candidates[j]);
  to.square += from.square;
  to.maximum = std::max(to.maximum, from.maximum);
  to.count += from.count;
}

// Runs run_block(begin, size, BlockSums&) for every block, on all threads, and adds the blocks' sums in
// order.
template <class RunBlock>
void sum_blocks(std::size_t elements, std::size_t candidates, MixedSums& sums, const RunBlock& run_block) {
  MixedSums total;
  total.candidates.resize(candidates);
  total.count = static_cast<double>(elements);
  const std::size_t blocks = blocks_of(elements);
  std::vector<CandidateSums> candidate_sums(std::min(blocks, window_blocks) * candidates);
  std::vector<BlockSums> block_sums(std::min(blocks, window_blocks));
  for (std::size_t first = 0; first < blocks; first += window_blocks) {
    const std::size_t count = std::min(window_blocks, blocks - first);
#pragma omp parallel for schedule(static) if (count >= threaded_blocks)
    for (std::size_t b = 0; b < count; ++b) {
      const std::size_t begin = (first + b) * block_elements;
      block_sums[b] = {candidate_sums.data() + b * candidates};
      run_block(begin, std::min(block_elements, elements - begin), block_sums[b]);
    }
    for (std::size_t b = 0; b < count; ++b) {
      for (std::size_t j = 0; j < candidates; ++j) add(total.candidates[j], block_sums[b].candidates[j]);
      total.square += block_sums[b].square;
      total.maximum = std::max(total.maximum, block_sums[b].maximum);
    }
  }
  add(sums, total);
}

}  // namespace

template <class Real>
BoundCandidate<Real> bind(const Candidate& candidate, double range, double offset, double probability) {
  BoundCandidate<Real> bound;
  bound.method = candidate.method;
  bound.probability = static_cast<Real>(probability);
  const Range kind = traits(candidate.method).range;
  if (kind == Range::none) return bound;
  const double largest = largest_code(candidate);
  bound.smallest = static_cast<Real>(smallest_code(candidate));
  bound.largest = static_cast<Real>(largest);
  // The quotient is taken in double and rounded once, so that float kernels and double references bind the
  // same step.
  const double step = kind == Range::step ? range : range / largest;
  bound.step = static_cast<Real>(step);
  if (kind == Range::clip) bound.clip = static_cast<Real>(range);
  if (traits(candidate.method).input_offset)
    bound.offset = static_cast<Real>(offset) + Real(0);  // -0 would make signs of zeros differ
  // float's in either precision: what is bound in double may be narrowed later.
  constexpr Real least = std::numeric_limits<float>::min();
  if (bound.step < least) {  // a NaN stays, and shows in every value
    bound.step = least;
    if (kind == Range::clip) bound.clip = least * bound.largest;
  }
  // A step that was rounded down would put the maximum itself out of range, and take its gradient away.
  while (kind == Range::maximum && position(static_cast<Real>(range), bound) > bound.largest)
    bound.step = std::nextafter(bound.step, std::numeric_limits<Real>::infinity());
  return bound;
}

template <class Real>
void mixed_forward(std::span<const Real> x, std::span<const BoundCandidate<Real>> candidates,
                   std::span<Real> mixed) {
  require_size("the mixture", mixed.size(), x.size());
  const auto kernel = kernels<Real>();
  const std::size_t blocks = blocks_of(x.size());
#pragma omp parallel for schedule(static) if (blocks >= threaded_blocks)
  for (std::size_t b = 0; b < blocks; ++b) {
    const std::size_t begin = b * block_elements;
    kernel.forward(x.data() + begin, std::min(block_elements, x.size() - begin), candidates.data(),
                   candidates.size(), mixed.data() + begin);
  }
}

template <class Real>
void mixed_backward(std::span<const Real> x, std::span<const Real> gradient,
                    std::span<const BoundCandidate<Real>> candidates, std::span<Real> dx,
                    std::span<Real> mixed, MixedSums& sums, ErrorMeasure measure) {
  require_size("the gradient", gradient.size(), x.size());
  if (!dx.empty()) require_size("the gradient of x", dx.size(), x.size());
  if (!mixed.empty()) require_size("the mixture", mixed.size(), x.size());
  const auto kernel = kernels<Real>();
  const auto backward = measure == ErrorMeasure::fisher ? kernel.weighted_backward : kernel.backward;
  sum_blocks(x.size(), candidates.size(), sums, [&](std::size_t begin, std::size_t size, BlockSums& block) {
    backward(x.data() + begin, gradient.data() + begin, size, candidates.data(), candidates.size(),
             dx.empty() ? nullptr : dx.data() + begin, mixed.empty() ? nullptr : mixed.data() + begin, block);
  });
}

template <class Real>
double mixed_backward_values(std::span<const Real> x, std::span<const Real> gradient,
                             std::span<const BoundCandidate<Real>> candidates, std::span<Real> dx,
                             std::span<Real> mixed) {
  require_size("the gradient", gradient.size(), x.size());
  require_size("the gradient of x", dx.size(), x.size());
  if (!mixed.empty()) require_size("the mixture", mixed.size(), x.size());
  const auto kernel = kernels<Real>();
  const std::size_t blocks = blocks_of(x.size());
  double maximum = 0;
#pragma omp parallel for schedule(static) reduction(max : maximum) if (blocks >= threaded_blocks)
  for (std::size_t b = 0; b < blocks; ++b) {
    const std::size_t begin = b * block_elements;
    maximum =
        std::max(maximum, kernel.backward_values(x.data() + begin, gradient.data() + begin,
                                                 std::min(block_elements, x.size() - begin),
                                                 candidates.data(), candidates.size(), dx.data() + begin,
                                                 mixed.empty() ? nullptr : mixed.data() + begin));
  }
  return maximum;
}

template <class Real>
void mixed_errors(std::span<const Real> x, std::span<const BoundCandidate<Real>> candidates,
                  MixedSums& sums) {
  const auto kernel = kernels<Real>();
  sum_blocks(x.size(), candidates.size(), sums, [&](std::size_t begin, std::size_t size, BlockSums& block) {
    kernel.errors(x.data() + begin, size, candidates.data(), candidates.size(), block);
  });
}

template <class Real>
void mixed_weighted_errors(std::span<const Real> x, std::span<const Real> gradient,
                           std::span<const BoundCandidate<Real>> candidates, MixedSums& sums) {
  require_size("the gradient", gradient.size(), x.size());
  const auto kernel = kernels<Real>();
  sum_blocks(x.size(), candidates.size(), sums, [&](std::size_t begin, std::size_t size, BlockSums& block) {
    kernel.weighted_errors(x.data() + begin, gradient.data() + begin, size, candidates.data(),
                           candidates.size(), block);
  });
}

template BoundCandidate<float> bind<float>(const Candidate&, double, double, double);
template BoundCandidate<double> bind<double>(const Candidate&, double, double, double);
template void mixed_forward<float>(std::span<const float>, std::span<const BoundCandidate<float>>,
                                   std::span<float>);
template void mixed_forward<double>(std::span<const double>, std::span<const BoundCandidate<double>>,
                                    std::span<double>);
template void mixed_backward<float>(std::span<const float>, std::span<const float>,
                                    std::span<const BoundCandidate<float>>, std::span<float>,
                                    std::span<float>, MixedSums&, ErrorMeasure);
template void mixed_backward<double>(std::span<const double>, std::span<const double>,
                                     std::span<const BoundCandidate<double>>, std::span<double>,
                                     std::span<double>, MixedSums&, ErrorMeasure);
template double mixed_backward_values<float>(std::span<const float>, std::span<const float>,
                                             std::span<const BoundCandidate<float>>, std::span<float>,
                                             std::span<float>);
template double mixed_backward_values<double>(std::span<const double>, std::span<const double>,
                                              std::span<const BoundCandidate<double>>, std::span<double>,
                                              std::span<double>);
template void mixed_errors<float>(std::span<const float>, std::span<const BoundCandidate<float>>, MixedSums&);
template void mixed_errors<double>(std::span<const double>, std::span<const BoundCandidate<double>>,
                                   MixedSums&);
template void mixed_weighted_errors<float>(std::span<const float>, std::span<const float>,
                                           std::span<const BoundCandidate<float>>, MixedSums&);
template void mixed_weighted_errors<double>(std::span<const double>, std::span<const double>,
                                            std::span<const BoundCandidate<double>>, MixedSums&);

}  // namespace bitdarts::quant
