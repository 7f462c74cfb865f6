// A stage whose work ends as --finetune.scheme says, for tests/mpi/stage_main.
#include <omp.h>

#include <iostream>
#include <stdexcept>

#include "core/error.hpp"
#include "stage/stage.hpp"

using namespace bitdarts;

namespace {

void work(const stage::Context& context) {
  const std::string& end = context.config.finetune.scheme;
  const bool last = context.world.rank() == context.world.size() - 1;
  if (end == "facts" && context.world.root())
    std::cout << "threads " << omp_get_max_threads() << " env " << std::getenv("OMP_NUM_THREADS") << " seed "
              << context.config.run.seed << " in " << context.in.string() << "\n";
  if (end == "error-everywhere") throw InputError("a bad input", "file.h5", "make it again");
  if (end == "error-on-one" && last) throw InputError("a bad input on the last rank");
  if (end == "unknown-on-one" && last) throw std::runtime_error("out of luck");
  if (end == "odd-exception") throw 7;
  if (end == "interrupted") throw Interrupted("stopped after step 7");
  if (end == "seed-of-last" && last) std::cout << "seed " << context.config.run.seed << "\n";
  if (end == "error-before-finish" && last) throw Error("too late");
  if (end == "error-before-finish") return;  // the others are done
  context.world.barrier();
}

}  // namespace

int main(int argc, char** argv) { return stage::stage_main(argc, argv, "probe", work); }
