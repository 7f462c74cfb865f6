#include "stage/machine.hpp"

#include <dlfcn.h>
#include <sys/utsname.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "core/error.hpp"

namespace bitdarts::stage {
namespace {

using Text = char* (*)();

std::string said_by_openblas(const char* function) {
  const auto ask = reinterpret_cast<Text>(dlsym(RTLD_DEFAULT, function));
  return ask ? ask() : "";
}

// "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ...": the name and the version are enough.
std::string first_words(const std::string& text) {
  return text.substr(0, text.find(' ', text.find(' ') + 1));
}

std::string file_with(const char* function) {
  Dl_info found{};
  void* const address = dlsym(RTLD_DEFAULT, function);
  if (address == nullptr || dladdr(address, &found) == 0 || found.dli_fname == nullptr) return "unknown";
  std::error_code absent;
  const auto file = std::filesystem::canonical(found.dli_fname, absent);
  return absent ? found.dli_fname : file.string();
}

struct Kernel {
  const char* name;
  InstructionSet set;
  bool bfloat16 = false;  // its instructions too
};
// Of OpenBLAS on x86-64, and what they need.
constexpr std::array kernels{Kernel{"Prescott", InstructionSet::baseline},
                             Kernel{"Core2", InstructionSet::baseline},
                             Kernel{"Nehalem", InstructionSet::baseline},
                             Kernel{"Haswell", InstructionSet::avx2},
                             Kernel{"Zen", InstructionSet::avx2},
                             Kernel{"SkylakeX", InstructionSet::avx512},
                             Kernel{"Cooperlake", InstructionSet::avx512, true},
                             Kernel{"SapphireRapids", InstructionSet::avx512, true}};

bool is_runnable([[maybe_unused]] const Kernel& kernel) {
#if defined(__x86_64__)
  return is_supported(kernel.set) && (!kernel.bfloat16 || __builtin_cpu_supports("avx512bf16"));
#else
  return false;
#endif
}

std::string known_kernels() {
  std::string names;
  for (const Kernel& kernel : kernels)
    if (is_runnable(kernel)) names += (names.empty() ? "" : ", ") + std::string(kernel.name);
  return names;
}

}  // namespace

Blas blas_in_use() {
  const std::string config = said_by_openblas("openblas_get_config");
  if (config.empty()) return {file_with("sgemm_"), ""};
  return {first_words(config), said_by_openblas("openblas_get_corename")};
}

std::string printed(const Blas& blas) {
  return blas.kernel.empty() ? blas.library : blas.library + ", kernel " + blas.kernel;
}

std::string processor_name() {
  std::ifstream facts("/proc/cpuinfo");
  for (std::string line; std::getline(facts, line);) {
    const auto colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  utsname system{};
  return uname(&system) == 0 ? system.machine : "unknown";
}

std::string vector_instructions() {
  if (const char* set = std::getenv("ATEN_CPU_CAPABILITY"))
    return std::string(set) == "default" ? name_of(InstructionSet::baseline) : set;
  return name_of(best_instruction_set());
}

const char* blas_kernel_for(InstructionSet set) {
  switch (set) {
    case InstructionSet::avx512:
      return "SkylakeX";
    case InstructionSet::avx2:
      return "Haswell";
    case InstructionSet::baseline:
      break;
  }
  return nullptr;
}

std::optional<InstructionSet> kernel_needs(const std::string& kernel) {
  for (const Kernel& known : kernels)
    if (kernel == known.name) return known.set;
  return std::nullopt;
}

bool processor_runs([[maybe_unused]] const std::string& kernel) {
#if defined(__x86_64__)
  for (const Kernel& known : kernels)
    if (kernel == known.name) return is_runnable(known);
  return false;
#else
  return true;
#endif
}

std::string better_kernel() {
  const std::string kernel = blas_in_use().kernel;
  const auto mine = kernel_needs(kernel);
  const InstructionSet best = best_instruction_set();
  if (!mine || *mine >= best) return {};
  const std::string better = blas_kernel_for(best);
  return "matrix products run on OpenBLAS' kernel " + kernel + ", and this processor has a faster one, " +
         better + ": " + (std::getenv("OPENBLAS_CORETYPE") ? "unset OPENBLAS_CORETYPE, or use " : "use ") +
         "--run.blas_kernel=" + better;
}

void require_blas_kernel(const std::string& wanted) {
  if (wanted.empty()) return;
  const Blas blas = blas_in_use();
  if (blas.kernel == wanted) return;
  const std::string option = "run.blas_kernel = " + wanted;
  if (blas.kernel.empty())
    throw ConfigError("only OpenBLAS' kernel can be chosen, and the BLAS here is another: " + blas.library,
                      option, "leave run.blas_kernel empty, or build with -DBITDARTS_BLAS_DIR");
  if (!processor_runs(wanted))
    throw ConfigError("this processor (" + processor_name() + ") has no kernel of OpenBLAS of that name",
                      option, "one of " + known_kernels() + ", that all machines have; or leave it empty");
  throw ConfigError(blas.library + " has no such kernel: it runs on " + blas.kernel, option,
                    "one of " + known_kernels() + ", that all machines have; or leave it empty");
}

std::string difference_from(const store::Provenance& made) {
  std::string found;
  const auto compare = [&](const std::string& there, const std::string& here) {
    if (there.empty() || there == here) return;
    found += (found.empty() ? "" : "; ") + there + " there, " + here + " here";
  };
  compare(made.blas, printed(blas_in_use()));
  compare(made.vector_instructions, vector_instructions());
  if (!found.empty() && !made.processor.empty() && made.processor != processor_name())
    found += " (" + made.processor + " there, " + processor_name() + " here)";
  return found;
}

}  // namespace bitdarts::stage
