#include <type_traits>

#include "quant/mixed_kernel.hpp"

namespace bitdarts::quant {

bool is_supported([[maybe_unused]] InstructionSet set) {
#if defined(__x86_64__)
  switch (set) {
    case InstructionSet::baseline:
      return true;
    case InstructionSet::avx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
             __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
             __builtin_cpu_supports("popcnt");
    case InstructionSet::avx512:
      return is_supported(InstructionSet::avx2) && __builtin_cpu_supports("avx512f") &&
             __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  }
#endif
  return set == InstructionSet::baseline;
}

InstructionSet best_instruction_set() {
  for (const InstructionSet set : {InstructionSet::avx512, InstructionSet::avx2})
    if (is_supported(set)) return set;
  return InstructionSet::baseline;
}

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
