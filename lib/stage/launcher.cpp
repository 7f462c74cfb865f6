#include "stage/launcher.hpp"

#include <cstdlib>

#include "core/error.hpp"

namespace bitdarts::stage {
namespace {

int number_in(const char* variable) {
  const char* text = std::getenv(variable);
  return text ? std::atoi(text) : 0;
}

}  // namespace

std::string rank_before_mpi() {
  for (const char* name : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"})
    if (const char* rank = std::getenv(name)) return rank;
  return {};
}

void require_one_job(int size) {
  // OpenMPI's own launcher may run in a step of Slurm, and start one rank there.
  if (size > 1 || std::getenv("OMPI_COMM_WORLD_SIZE")) return;
  if (const int tasks = number_in("SLURM_STEP_NUM_TASKS"); tasks > 1)
    throw ConfigError("srun has started " + std::to_string(tasks) +
                          " processes that do not know of each other: each would be a run of its own",
                      "SLURM_STEP_NUM_TASKS",
                      "srun --mpi=pmix (srun --mpi=list says what is there), or mpirun within the job");
  if (const int tasks = number_in("PMI_SIZE"); tasks > 1)
    throw ConfigError("the launcher has started " + std::to_string(tasks) +
                          " processes that do not know of each other: it belongs to another MPI",
                      "PMI_SIZE", "the mpirun of the MPI that bitdarts was built with");
}

}  // namespace bitdarts::stage
