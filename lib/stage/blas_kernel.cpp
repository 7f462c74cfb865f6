#include "stage/blas_kernel.hpp"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace bitdarts::stage {
namespace {

// The kernels OpenBLAS falls back to on x86-64 when it does not know the CPU.
bool is_fallback(std::string_view kernel) {
  for (const std::string_view old : {"Prescott", "Generic", "Core2", "Nehalem", "Katmai", "Northwood"})
    if (kernel == old) return true;
  return false;
}

const char* best_kernel() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
    return "SkylakeX";
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "Haswell";
#endif
  return nullptr;
}

}  // namespace

void choose_blas_kernel(char** argv) {
  if (std::getenv("OPENBLAS_CORETYPE")) return;
  using CoreName = char* (*)();
  const auto core_name = reinterpret_cast<CoreName>(dlsym(RTLD_DEFAULT, "openblas_get_corename"));
  if (!core_name || !is_fallback(core_name())) return;
  const char* kernel = best_kernel();
  if (!kernel) return;
  setenv("OPENBLAS_CORETYPE", kernel, 1);
  execv("/proc/self/exe", argv);  // comes back only when it fails; then the slow kernels serve
}

}  // namespace bitdarts::stage
