#pragma once
// Inside the quant room: one block of the fused mixed quantizer, once per instruction set.
// Every instruction set does the same operations in the same order, so the results agree bit for bit.
#include <cstddef>

#include "core/instruction_set.hpp"
#include "quant/mixed.hpp"

namespace bitdarts::quant {

/// Elements of a block: x, G, the mixture and the range mass of a block stay in the first-level cache.
inline constexpr std::size_t block_elements = 2048;

/// What a block adds to MixedSums; `candidates` points to as many entries as there are candidates.
struct BlockSums {
  CandidateSums* candidates = nullptr;
  double square = 0;
  double maximum = 0;
};

/// The contracts of mixed_forward, mixed_backward and mixed_errors (mixed.hpp) on at most block_elements
/// elements. Sums are written, not added. `dx` and `mixed` of backward may be null; outputs may be the
/// inputs.
template <class Real>
struct BlockKernels {
  void (*forward)(const Real* x, std::size_t n, const BoundCandidate<Real>* candidates, std::size_t count,
                  Real* mixed);
  void (*backward)(const Real* x, const Real* gradient, std::size_t n, const BoundCandidate<Real>* candidates,
                   std::size_t count, Real* dx, Real* mixed, BlockSums& sums);
  /// backward() with the error sums of ErrorMeasure::fisher, the rest bit for bit the same.
  void (*weighted_backward)(const Real* x, const Real* gradient, std::size_t n,
                            const BoundCandidate<Real>* candidates, std::size_t count, Real* dx, Real* mixed,
                            BlockSums& sums);
  /// backward() without the sums, the rest bit for bit the same; returns max |x|. `mixed` may be null.
  double (*backward_values)(const Real* x, const Real* gradient, std::size_t n,
                            const BoundCandidate<Real>* candidates, std::size_t count, Real* dx, Real* mixed);
  void (*errors)(const Real* x, std::size_t n, const BoundCandidate<Real>* candidates, std::size_t count,
                 BlockSums& sums);
  /// squared_error and error_range of weighted_backward() alone, bit for bit.
  void (*weighted_errors)(const Real* x, const Real* gradient, std::size_t n,
                          const BoundCandidate<Real>* candidates, std::size_t count, BlockSums& sums);
};

template <class Real>
BlockKernels<Real> block_kernels(InstructionSet set);

/// Defined by the source file of each set.
template <InstructionSet set, class Real>
BlockKernels<Real> mixed_kernels_of();

}  // namespace bitdarts::quant
