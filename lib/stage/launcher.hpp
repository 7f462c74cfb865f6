#pragma once
#include <string>

namespace bitdarts::stage {

/// The rank that the launcher has given this process, before MPI is up; empty when it was started by hand.
std::string rank_before_mpi();

/// ConfigError when a launcher started several processes and MPI, of `size` ranks, knows of one alone: srun
/// without the plugin that OpenMPI understands, or the mpiexec of another MPI. They would all do the same
/// work, and be in each other's way.
void require_one_job(int size);

}  // namespace bitdarts::stage
