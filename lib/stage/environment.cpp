#include "stage/environment.hpp"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

#include "core/instruction_set.hpp"

namespace bitdarts::stage {
namespace {

// The kernels OpenBLAS falls back to on x86-64 when it does not know the CPU.
bool is_fallback(std::string_view kernel) {
  for (const std::string_view old : {"Prescott", "Generic", "Core2", "Nehalem", "Katmai", "Northwood"})
    if (kernel == old) return true;
  return false;
}

const char* best_kernel() {
  switch (best_instruction_set()) {
    case InstructionSet::avx512:
      return "SkylakeX";
    case InstructionSet::avx2:
      return "Haswell";
    case InstructionSet::baseline:
      break;
  }
  return nullptr;
}

// Sets OPENBLAS_CORETYPE where OpenBLAS needs it.
bool choose_blas_kernel() {
  if (std::getenv("OPENBLAS_CORETYPE")) return false;
  using CoreName = char* (*)();
  const auto core_name = reinterpret_cast<CoreName>(dlsym(RTLD_DEFAULT, "openblas_get_corename"));
  if (!core_name || !is_fallback(core_name())) return false;
  const char* kernel = best_kernel();
  return kernel && setenv("OPENBLAS_CORETYPE", kernel, 1) == 0;
}

// Lets malloc ask for huge pages (glibc 2.35 and newer) where they are given to those who ask.
bool choose_huge_pages() {
  if (std::getenv("GLIBC_TUNABLES")) return false;
  std::string setting;
  std::getline(std::ifstream("/sys/kernel/mm/transparent_hugepage/enabled"), setting);
  return setting.find("[madvise]") != std::string::npos &&
         setenv("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1", 1) == 0;
}

}  // namespace

void choose_environment(char** argv, bool huge_pages) {
  const bool kernel = choose_blas_kernel(), pages = huge_pages && choose_huge_pages();
  if (kernel || pages) execv("/proc/self/exe", argv);  // comes back only when it fails; then it goes slowly
}

}  // namespace bitdarts::stage
