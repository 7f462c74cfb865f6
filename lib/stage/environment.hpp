#pragma once
#include <string>

namespace bitdarts::stage {

/// What libraries read from the environment when they are loaded, and would otherwise get wrong. If something
/// is to be set that the user has not set, starts the program again with it, in the same process (before
/// MPI); otherwise does nothing.
/// - OPENBLAS_CORETYPE: OpenBLAS chooses its kernels by CPU model and takes the oldest ones (SSE3, a fifth of
///   the speed) for a model that is newer than itself; this names those of the instruction set. With
///   `blas_kernel` (run.blas_kernel) it names that one, where the processor can run it, and
///   ATEN_CPU_CAPABILITY keeps LibTorch to the same instructions.
/// - GLIBC_TUNABLES=glibc.malloc.hugetlb=1 if `huge_pages` and the system gives them to those who ask: to
///   train a tokenizer, which follows pointers through hundreds of megabytes, takes 8 % less time with them.
///   (The network gains nothing.)
/// - HWLOC_COMPONENTS=-gl: MPI looks at the machine through hwloc, whose plugin would look for X servers.
void choose_environment(char** argv, bool huge_pages, const std::string& blas_kernel = {});

}  // namespace bitdarts::stage
