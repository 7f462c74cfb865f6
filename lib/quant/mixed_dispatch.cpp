#include "quant/mixed_kernel.hpp"

namespace bitdarts::quant {

template <class Real>
BlockKernels<Real> block_kernels(InstructionSet set) {
  if (set == InstructionSet::avx512) return kernel_avx512::kernels<Real>();
  if (set == InstructionSet::avx2) return kernel_avx2::kernels<Real>();
  return kernel_baseline::kernels<Real>();
}

template BlockKernels<float> block_kernels<float>(InstructionSet);
template BlockKernels<double> block_kernels<double>(InstructionSet);

}  // namespace bitdarts::quant
