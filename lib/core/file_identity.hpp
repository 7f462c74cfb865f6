#pragma once
#include <cstdint>
#include <filesystem>

namespace bitdarts {

/// Which file stands behind a path, and when it was last written to. Two that are equal around a reading mean
/// that what was read is one file, neither replaced nor changed meanwhile.
struct FileIdentity {
  std::uint64_t device = 0, inode = 0, size = 0;
  std::int64_t seconds = 0, nanoseconds = 0;  ///< of the last change
  bool operator==(const FileIdentity&) const = default;
};

/// InputError when there is no such file (any more).
FileIdentity identity_of(const std::filesystem::path& path);

/// InputError, naming the file, unless it is still what it was.
void require_unchanged(const std::filesystem::path& path, const FileIdentity& before);

}  // namespace bitdarts
