// The instruction set that the whole program is compiled for.
#define BITDARTS_INSTRUCTION_SET baseline
#include "model/row_kernel.inc"
