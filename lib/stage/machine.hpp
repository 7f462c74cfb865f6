#pragma once
#include <optional>
#include <string>

#include "core/instruction_set.hpp"
#include "store/product.hpp"

namespace bitdarts::stage {

// What the last bits of a product depend on beside its key: the order in which sums are taken differs from
// one kernel of a BLAS to another, and from one vector width of LibTorch to another. bitdarts' own kernels
// have the same bits everywhere.

/// The BLAS that this process multiplies with.
struct Blas {
  std::string library;  ///< "OpenBLAS 0.3.21", or the file that has the functions
  std::string kernel;   ///< "SkylakeX"; empty when it does not tell
};
Blas blas_in_use();
std::string printed(const Blas& blas);  ///< "OpenBLAS 0.3.21, kernel SkylakeX"

/// "AMD EPYC 9654 96-Core Processor", as the system names it.
std::string processor_name();
/// Of LibTorch's kernels: "avx512", "avx2" or "baseline"; ATEN_CPU_CAPABILITY, where it is set.
std::string vector_instructions();

/// The kernel of OpenBLAS that is made for these instructions; nullptr where there is none.
const char* blas_kernel_for(InstructionSet set);
/// What a kernel of OpenBLAS needs, on x86-64; nullopt for a name that is not known.
std::optional<InstructionSet> kernel_needs(const std::string& kernel);
/// Can this processor run a kernel of OpenBLAS of this name? Elsewhere than on x86-64 OpenBLAS itself knows.
bool processor_runs(const std::string& kernel);
/// A wish for a faster kernel than this process has, with the remedy, for a note; empty when it has the best.
std::string better_kernel();
/// ConfigError when the BLAS does not run on the kernel that run.blas_kernel names (nothing: any will do).
void require_blas_kernel(const std::string& wanted);

/// "AVX-512 ... on the one, ... on the other": how this machine differs from the one that made a file, in
/// what may change the last bits; empty when it does not, or when the file does not say.
std::string difference_from(const store::Provenance& made);

}  // namespace bitdarts::stage
