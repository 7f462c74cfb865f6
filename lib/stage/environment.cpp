#include "stage/environment.hpp"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

#include "core/instruction_set.hpp"
#include "stage/machine.hpp"

namespace bitdarts::stage {
namespace {

// The kernels OpenBLAS falls back to on x86-64 when it does not know the CPU.
bool is_fallback(std::string_view kernel) {
  for (const std::string_view old : {"Prescott", "Generic", "Core2", "Nehalem", "Katmai", "Northwood"})
    if (kernel == old) return true;
  return false;
}

// Is that new?
bool set(const char* variable, const std::string& value) {
  const char* old = std::getenv(variable);
  return (old == nullptr || value != old) && setenv(variable, value.c_str(), 1) == 0;
}

// Asks OpenBLAS for the kernel that the user wants, and LibTorch for the vectors that it is made for.
bool pin_blas_kernel(const std::string& kernel) {
  if (blas_in_use().kernel.empty() || !processor_runs(kernel)) return false;
  bool is_new = set("OPENBLAS_CORETYPE", kernel);
  for (const InstructionSet width : {InstructionSet::avx512, InstructionSet::avx2, InstructionSet::baseline})
    if (kernel_needs(kernel) == width &&
        set("ATEN_CPU_CAPABILITY", width == InstructionSet::baseline ? "default" : name_of(width)))
      is_new = true;
  return is_new;
}

// Sets OPENBLAS_CORETYPE where OpenBLAS needs it.
bool choose_blas_kernel(const std::string& wanted) {
  if (!wanted.empty()) return pin_blas_kernel(wanted);
  if (std::getenv("OPENBLAS_CORETYPE") || !is_fallback(blas_in_use().kernel)) return false;
  const char* kernel = blas_kernel_for(best_instruction_set());
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

void choose_environment(char** argv, bool huge_pages, const std::string& blas_kernel) {
  // Without it every start of MPI looks for X servers (hwloc's plugin "gl"), and asks the name server for
  // "localhost" twenty times where /etc/hosts has none.
  setenv("HWLOC_COMPONENTS", "-gl", 0);
  const bool kernel = choose_blas_kernel(blas_kernel), pages = huge_pages && choose_huge_pages();
  if (kernel || pages) execv("/proc/self/exe", argv);  // comes back only when it fails; then it goes slowly
}

}  // namespace bitdarts::stage
