#include <dlfcn.h>

#include "core/error.hpp"
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

}  // namespace

int torch_stage_main(int argc, char** argv, const std::string& name) {
  return stage_main(argc, argv, name, [&](const Context& context) {
    Run run(context, describe(name, context.config, context.in, context.out));
    if (run.begin()) work_of(name)(context, run);
  });
}

}  // namespace bitdarts::stage
