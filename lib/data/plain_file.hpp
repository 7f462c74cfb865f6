#pragma once
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <span>

namespace bitdarts::data {

/// The bytes of a regular file as they lie on disk. All errors are InputErrors with the path.
class PlainFile {
 public:
  /// Refuses what is not a regular file: text is read more than once (hash, split, encode), which a pipe does
  /// not allow, and opening one could wait for ever.
  explicit PlainFile(const std::filesystem::path& path);
  /// Fills `buffer` as far as the file reaches; 0 at its end.
  std::size_t read(std::span<char> buffer);
  void seek(std::uint64_t offset);
  const std::filesystem::path& path() const { return path_; }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::filesystem::path path_;
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace bitdarts::data
