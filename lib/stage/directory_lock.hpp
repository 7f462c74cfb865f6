#pragma once
#include <filesystem>
#include <optional>
#include <string>

namespace bitdarts::stage {

/// Who holds a directory.
struct LockHolder {
  std::string stage;  ///< "search"; empty when it does not say
  std::string words;  ///< "bitdarts-search, process 7 on n1, since ..."
};

/// Keeps other runs from writing to a directory at the same time. The system gives the lock back when the
/// process ends, however it ends: a dead run holds nothing.
class DirectoryLock {
 public:
  /// Makes the directory if need be and locks it for `holder`.
  /// Error when nothing can be written there, or when another run, which is named, holds it. On a file system
  /// without locks nothing is held; warning() says so.
  DirectoryLock(const std::filesystem::path& directory, const LockHolder& holder);
  ~DirectoryLock();
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;
  const std::string& warning() const { return warning_; }
  /// Is there a lock file, be it held or left by a run that was killed?
  static bool file_in(const std::filesystem::path& directory);
  /// Who holds the directory now; nullopt when nobody does, or nobody can tell.
  static std::optional<LockHolder> holder_of(const std::filesystem::path& directory);

 private:
  void open();
  bool empty() const;
  bool still_there() const;
  void write(const std::string& text) const;
  std::filesystem::path path_;
  int descriptor_ = -1;
  bool made_ = false;  // the directory; when nothing came into it, it goes again
  std::string warning_;
};

}  // namespace bitdarts::stage
