#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>

namespace bitdarts::data {

/// Called now and then during long work; throws to end it.
using Poll = std::function<void()>;

/// The bytes of a text file from front to back, unpacked when its name ends in .gz.
class ByteSource {
 public:
  /// InputError when the file cannot be opened or is named .gz and is not gzip.
  explicit ByteSource(const std::filesystem::path& path);
  ~ByteSource();
  ByteSource(ByteSource&&) noexcept;
  ByteSource& operator=(ByteSource&&) noexcept;

  /// Fills `buffer` as far as the file reaches and returns how many bytes that were; 0 at the end.
  /// InputError with the offset in the packed file when the gzip data are damaged, cut off or followed by
  /// something else.
  std::size_t read(std::span<char> buffer);
  /// Goes on at `offset` (of the unpacked text, not before the present place): a seek, or unpacking what lies
  /// between.
  void skip_to(std::uint64_t offset, const Poll& poll = {});

 private:
  struct Handle;
  std::unique_ptr<Handle> handle_;
};

/// Hash of the file's bytes as they lie on disk.
std::string hash_file(const std::filesystem::path& path, const Poll& poll = {});

/// The whole file; InputError when it cannot be read or is larger than `limit` bytes.
std::string read_whole_file(const std::filesystem::path& path, std::uint64_t limit);

}  // namespace bitdarts::data
