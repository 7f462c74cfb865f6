#include <cstdlib>  // __GLIBC__
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <algorithm>
#include <chrono>
#include <cstdio>

#include <torch/csrc/api/include/torch/version.h>
#include "core/error.hpp"

#include "model/torch.hpp"
#include "train/device.hpp"

namespace bitdarts::train {
namespace {

// One line, or nothing when the matrix product is fast.
std::string slow_blas_warning() {
  constexpr std::int64_t n = 256;
  constexpr double slow_gflops = 8.0;
  at::NoGradGuard no_grad;
  const at::Tensor a = at::ones({n, n}), b = at::ones({n, n});
  double best = 1e9;
  for (int repeat = 0; repeat < 3; ++repeat) {
    const auto start = std::chrono::steady_clock::now();
    at::matmul(a, b);
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  const double gflops = 2.0 * n * n * n / best * 1e-9;
  if (gflops >= slow_gflops) return {};
  char text[200];
  std::snprintf(
      text, sizeof text,
      "the matrix product runs at %.1f GFLOP/s, as the reference BLAS does: install libopenblas0-openmp "
      "or configure with -DBITDARTS_BLAS_DIR",
      gflops);
  return text;
}

// Every step asks for the same memory as the one before. glibc would give large blocks back to the system
// each time and fetch them again page by page, which costs a tenth of a training step; this keeps them.
void keep_freed_memory() {
#ifdef __GLIBC__
  constexpr int most = 1 << 30;
  mallopt(M_MMAP_THRESHOLD, most);
  mallopt(M_TRIM_THRESHOLD, most);
#endif
}

}  // namespace

std::string prepare_device(const stage::Context& context, stage::Run& run) {
  run.uses("LibTorch " + std::to_string(TORCH_VERSION_MAJOR) + "." + std::to_string(TORCH_VERSION_MINOR) +
           "." + std::to_string(TORCH_VERSION_PATCH));
  return prepare_device(context.config.run, context.console);
}

std::string prepare_device(const config::RunOptions& run, const Console& console) {
  keep_freed_memory();
  at::set_num_threads(static_cast<int>(run.threads));
  at::globalContext().setFlushDenormal(false);
  const bool cuda = at::hasCUDA();
  if (run.device == "cuda" && !cuda) {
    throw ConfigError(
        "run.device is cuda, but this LibTorch sees no CUDA device", "run.device",
        "use --run.device=cpu, or build against a CUDA LibTorch (CMAKE_PREFIX_PATH) on a machine with a GPU");
  }
  if (const auto warning = slow_blas_warning(); !warning.empty()) console.warn(warning);
  return run.device == "auto" ? (cuda ? "cuda" : "cpu") : run.device;
}

}  // namespace bitdarts::train
