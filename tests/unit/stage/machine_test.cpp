#include "stage/machine.hpp"

#include <stdlib.h>

#include "catch.hpp"
#include "core/error.hpp"
#include "stage/launcher.hpp"

using namespace bitdarts;
using Catch::Matchers::Contains;

namespace {

store::Provenance of_this_machine() {
  store::Provenance facts;
  facts.processor = stage::processor_name();
  facts.vector_instructions = stage::vector_instructions();
  facts.blas = printed(stage::blas_in_use());
  return facts;
}

}  // namespace

TEST_CASE("the machine that made a file is told from another by its BLAS and its vector instructions") {
  CHECK(stage::difference_from(of_this_machine()).empty());
  CHECK(stage::difference_from({}).empty());  // of a version that did not record it
  auto other = of_this_machine();
  other.processor = "some other model, with the same instructions";
  CHECK(stage::difference_from(other).empty());
  other.blas = "OpenBLAS 0.3.21, kernel Barcelona";
  CHECK_THAT(stage::difference_from(other),
             Contains("OpenBLAS 0.3.21, kernel Barcelona there, " + printed(stage::blas_in_use()) + " here"));
  CHECK_THAT(stage::difference_from(other), Contains("some other model"));
  other = of_this_machine();
  other.vector_instructions = "sve";
  CHECK_THAT(stage::difference_from(other), Contains("sve there, " + stage::vector_instructions() + " here"));
}

TEST_CASE("the best kernel for instructions that the processor has is one that it runs") {
  for (const auto set : {InstructionSet::avx2, InstructionSet::avx512}) {
    const std::string kernel = stage::blas_kernel_for(set);
    CHECK(stage::kernel_needs(kernel) == set);
#if defined(__x86_64__)
    CHECK(stage::processor_runs(kernel) == is_supported(set));
#endif
  }
  CHECK_FALSE(stage::kernel_needs("Nonsense").has_value());
}

TEST_CASE("a kernel that cannot be had is an error of the option") {
  CHECK_NOTHROW(stage::require_blas_kernel(""));
  const auto blas = stage::blas_in_use();
  if (!blas.kernel.empty()) CHECK_NOTHROW(stage::require_blas_kernel(blas.kernel));
  try {
    stage::require_blas_kernel("Nonsense");
    FAIL("it could be had");
  } catch (const ConfigError& error) {
    CHECK_THAT(error.what(), Contains("run.blas_kernel = Nonsense"));
  }
}

TEST_CASE("processes that a launcher started together, and MPI did not bring together, are found out") {
  const auto with = [](const char* name, const char* value) {
    setenv(name, value, 1);
    try {
      stage::require_one_job(1);
    } catch (const ConfigError& error) {
      unsetenv(name);
      return std::string(error.what());
    }
    unsetenv(name);
    return std::string();
  };
  unsetenv("OMPI_COMM_WORLD_SIZE");
  CHECK_NOTHROW(stage::require_one_job(1));
  CHECK_THAT(with("SLURM_STEP_NUM_TASKS", "4"), Contains("4 processes") && Contains("srun --mpi=pmix"));
  CHECK(with("SLURM_STEP_NUM_TASKS", "1").empty());
  CHECK(with("SLURM_NTASKS", "4").empty());  // of the job: within it one may well start a process by itself
  CHECK_THAT(with("PMI_SIZE", "3"), Contains("3 processes"));
  setenv("SLURM_STEP_NUM_TASKS", "4", 1);
  CHECK_NOTHROW(stage::require_one_job(4));
  setenv("OMPI_COMM_WORLD_SIZE", "1", 1);
  CHECK_NOTHROW(stage::require_one_job(1));  // mpirun, in a step of Slurm
  unsetenv("OMPI_COMM_WORLD_SIZE");
  unsetenv("SLURM_STEP_NUM_TASKS");
}
