// The instruction set that the whole program is compiled for.
#define BITDARTS_KERNEL_NAMESPACE kernel_baseline
#include "model/row_kernel.inc"
