#include <mpi.h>

#include <array>

#include "core/error.hpp"
#include "stage/stage.hpp"

namespace bitdarts::stage {
namespace {

std::string mpi_version() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  BITDARTS_MPI(MPI_Get_library_version(text.data(), &length));
  const std::string all(text.data(), static_cast<std::size_t>(length));
  // "Open MPI v4.1.4, package: Debian OpenMPI, ident: ...": the name and the version are enough.
  return all.substr(0, all.find_first_of(",\n"));
}

}  // namespace

std::string library_versions() { return mpi_version() + ", " + store::hdf5_version(); }

}  // namespace bitdarts::stage
