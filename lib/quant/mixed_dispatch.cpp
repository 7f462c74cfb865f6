#include <type_traits>

#include "quant/mixed_kernel.hpp"

namespace bitdarts::quant {

template <class Real>
BlockKernels<Real> block_kernels([[maybe_unused]] InstructionSet set) {
  constexpr bool single = std::is_same_v<Real, float>;
#if defined(__x86_64__)
  if (set == InstructionSet::avx512) {
    if constexpr (single)
      return kernel_avx512::float_kernels();
    else
      return kernel_avx512::double_kernels();
  }
  if (set == InstructionSet::avx2) {
    if constexpr (single)
      return kernel_avx2::float_kernels();
    else
      return kernel_avx2::double_kernels();
  }
#endif
  if constexpr (single)
    return kernel_baseline::float_kernels();
  else
    return kernel_baseline::double_kernels();
}

template BlockKernels<float> block_kernels<float>(InstructionSet);
template BlockKernels<double> block_kernels<double>(InstructionSet);

}  // namespace bitdarts::quant
