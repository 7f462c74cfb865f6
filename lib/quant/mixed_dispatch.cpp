#include "quant/mixed_kernel.hpp"

namespace bitdarts::quant {

template <class Real>
BlockKernels<Real> block_kernels(InstructionSet set) {
  return with_instruction_set(set, [](auto one) { return mixed_kernels_of<one(), Real>(); });
}

template BlockKernels<float> block_kernels<float>(InstructionSet);
template BlockKernels<double> block_kernels<double>(InstructionSet);

}  // namespace bitdarts::quant
