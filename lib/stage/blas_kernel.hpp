#pragma once

namespace bitdarts::stage {

/// OpenBLAS chooses its kernels by CPU model when it is loaded, and takes the oldest ones (SSE3, a fifth of
/// the speed) for a model that is newer than itself. When that happened, and the user has not set
/// OPENBLAS_CORETYPE, this sets it to what the instruction set allows and starts the program again in the
/// same process (before MPI). Does nothing, and costs nothing, otherwise.
void choose_blas_kernel(char** argv);

}  // namespace bitdarts::stage
