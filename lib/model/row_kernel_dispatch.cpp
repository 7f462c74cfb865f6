#include "model/row_kernel.hpp"

namespace bitdarts::model {

template <class Real>
RowKernels<Real> row_kernels(InstructionSet set) {
  if (set == InstructionSet::avx512) return kernel_avx512::kernels<Real>();
  if (set == InstructionSet::avx2) return kernel_avx2::kernels<Real>();
  return kernel_baseline::kernels<Real>();
}

template <class Real>
const RowKernels<Real>& row_kernels() {
  static const RowKernels<Real> best = row_kernels<Real>(best_instruction_set());
  return best;
}

template RowKernels<float> row_kernels<float>(InstructionSet);
template RowKernels<double> row_kernels<double>(InstructionSet);
template const RowKernels<float>& row_kernels<float>();
template const RowKernels<double>& row_kernels<double>();

}  // namespace bitdarts::model
