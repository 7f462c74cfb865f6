#pragma once
#include <zlib.h>

#include <cstdint>
#include <span>
#include <vector>

#include "data/plain_file.hpp"

namespace bitdarts::data {

/// Unpacks a gzip file from front to back. Several members one after another, which is how packed files are
/// joined, are one text (RFC 1952, 2.2). zlib's own gzread passes over whatever else follows a member, and so
/// loses the rest of a file that was joined wrongly; here that is an error. Zero bytes at the end are
/// padding, as gzip(1) has it.
class GzipReader {
 public:
  /// InputError when the file does not begin as gzip data do.
  explicit GzipReader(PlainFile file);
  ~GzipReader();
  GzipReader(const GzipReader&) = delete;
  GzipReader& operator=(const GzipReader&) = delete;
  /// Fills `buffer` as far as the text reaches; 0 at its end. InputError with the offset in the packed file
  /// when the data are damaged, cut off or followed by something else.
  std::size_t read(std::span<char> buffer);

 private:
  bool fill();  // at least one byte to unpack; false at the end of the file
  bool begins_member();
  bool only_padding();
  std::uint64_t offset() const { return taken_ - stream_.avail_in; }  // of the next byte to unpack
  [[noreturn]] void damaged(const std::string& what) const;

  PlainFile file_;
  std::vector<unsigned char> packed_;
  z_stream stream_{};
  std::uint64_t taken_ = 0;  // bytes read from the file
  bool within_member_ = false, at_end_ = false;
};

}  // namespace bitdarts::data
