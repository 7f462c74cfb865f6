#include <dlfcn.h>

#include "comm/together.hpp"
#include "core/error.hpp"
#include "stage/machine.hpp"
#include "stage/stage.hpp"

namespace bitdarts::stage {
namespace {

// From where the executables look for their libraries: ../lib/bitdarts, in the build folder and where they
// are installed.
const fs::path library = "libbitdarts_work.so";

Work& work_of(const std::string& name) {
  const fs::path path =
      fs::read_symlink("/proc/self/exe").parent_path().parent_path() / "lib" / "bitdarts" / library;
  void* const loaded = dlopen(path.c_str(), RTLD_NOW);
  if (loaded == nullptr)
    throw Error("the part of bitdarts that works with LibTorch cannot be loaded", dlerror(),
                "build or install it again");
  void* const work = dlsym(loaded, ("bitdarts_" + name).c_str());
  if (work == nullptr) throw Error("there is no work for this stage", dlerror(), "build or install it again");
  return *reinterpret_cast<Work*>(work);
}

// The kernel that the user has pinned is that of every rank, and without one they had better have the same.
void prepare_machine(const Context& context) {
  const std::string& wanted = context.config.run.blas_kernel;
  comm::together(context.world, [&] { require_blas_kernel(wanted); });
  const std::string mine = printed(blas_in_use()) + ", " + vector_instructions();
  const bool differs = mine != context.world.broadcast_text(mine);
  const std::int64_t other = context.world.max(differs ? context.world.rank() : 0);
  if (other > 0) {
    const std::string theirs = context.world.broadcast_text(mine, static_cast<int>(other));
    context.console.warn(
        "the ranks do not run on the same kind of machine, so that the last bits of the result may depend on "
        "which rank is where: " +
        mine + " on rank 0, " + theirs + " on rank " + std::to_string(other) +
        "\n         run.blas_kernel pins one that all have");
  }
  if (const std::string better = better_kernel(); wanted.empty() && !better.empty())
    context.console.note(better);
}

}  // namespace

int torch_stage_main(int argc, char** argv, const std::string& name) {
  return stage_main(argc, argv, name, [&](const Context& context) {
    Run run(context, describe(name, context.config, context.in, context.out));
    if (!run.begin()) return;
    prepare_machine(context);
    work_of(name)(context, run);
  });
}

}  // namespace bitdarts::stage
