#include "core/build_info.hpp"

#include "bitdarts_revision.hpp"  // written by cmake/BitdartsRevision.cmake at build time

namespace bitdarts {

BuildInfo build_info() {
#if defined(__clang__)
  const std::string compiler = "Clang " __clang_version__;
#else
  const std::string compiler = "GCC " __VERSION__;
#endif
  return {BITDARTS_VERSION, BITDARTS_GIT_REVISION, compiler, BITDARTS_BUILD_TYPE};
}

}  // namespace bitdarts
