#include "core/file_identity.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "core/error.hpp"

namespace bitdarts {

FileIdentity identity_of(const std::filesystem::path& path) {
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0) {
    throw InputError(std::string("cannot read the file: ") + std::strerror(errno), path.string(),
                     "check that it exists and that you may read it");
  }
  return {.device = facts.st_dev,
          .inode = facts.st_ino,
          .size = static_cast<std::uint64_t>(facts.st_size),
          .seconds = facts.st_mtim.tv_sec,
          .nanoseconds = facts.st_mtim.tv_nsec};
}

void require_unchanged(const std::filesystem::path& path, const FileIdentity& before) {
  const char* const remedy = "run again when nothing writes to it";
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0)
    throw InputError("the file was removed while it was read", path.string(), remedy);
  if (identity_of(path) != before)
    throw InputError("the file was replaced or changed while it was read", path.string(), remedy);
}

}  // namespace bitdarts
