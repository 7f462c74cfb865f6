// Compiled for x86-64-v4 (see cmake/BitdartsKernels.cmake) and called only where the processor has it.
#if defined(__x86_64__)
#define BITDARTS_KERNEL_NAMESPACE kernel_avx512
#include "model/row_kernel.inc"
#endif
