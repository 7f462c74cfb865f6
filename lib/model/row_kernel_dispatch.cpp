#include "model/row_kernel.hpp"

namespace bitdarts::model {

template <class Real>
RowKernels<Real> row_kernels(InstructionSet set) {
  return with_instruction_set(set, [](auto one) { return row_kernels_of<one(), Real>(); });
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
