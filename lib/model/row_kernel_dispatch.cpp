#include <type_traits>

#include "model/row_kernel.hpp"

namespace bitdarts::model {

template <class Real>
const RowKernels<Real>& row_kernels([[maybe_unused]] InstructionSet set) {
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

template <class Real>
const RowKernels<Real>& row_kernels() {
  static const RowKernels<Real>& best = row_kernels<Real>(best_instruction_set());
  return best;
}

template const RowKernels<float>& row_kernels<float>(InstructionSet);
template const RowKernels<double>& row_kernels<double>(InstructionSet);
template const RowKernels<float>& row_kernels<float>();
template const RowKernels<double>& row_kernels<double>();

}  // namespace bitdarts::model
