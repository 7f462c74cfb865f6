// Compiled for x86-64-v3 (cmake/BitdartsKernels.cmake) and called only where the processor has it; on other
// architectures the baseline once more, which is never called.
#define BITDARTS_INSTRUCTION_SET avx2
#include "model/row_kernel.inc"
