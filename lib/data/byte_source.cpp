#include "data/byte_source.hpp"

#include <sys/types.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include "core/error.hpp"
#include "core/hash.hpp"

namespace bitdarts::data {

namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
struct CloseGzip {
  void operator()(gzFile_s* file) const { gzclose(file); }
};
using FileHandle = std::unique_ptr<std::FILE, CloseFile>;

[[noreturn]] void cannot_read(const std::filesystem::path& path, int code) {
  throw InputError(std::string("cannot read the file: ") + std::strerror(code), path.string(),
                   "check that it exists and that you may read it");
}

FileHandle open_file(const std::filesystem::path& path) {
  errno = 0;
  FileHandle file(std::fopen(path.c_str(), "rb"));
  if (!file) cannot_read(path, errno);
  return file;
}

std::size_t read_some(std::FILE* file, const std::filesystem::path& path, std::span<char> buffer) {
  errno = 0;
  const std::size_t count = std::fread(buffer.data(), 1, buffer.size(), file);
  if (count < buffer.size() && std::ferror(file)) cannot_read(path, errno);
  return count;
}

constexpr std::size_t chunk_bytes = std::size_t{1} << 20;

}  // namespace

struct ByteSource::Handle {
  std::filesystem::path path;
  FileHandle plain;
  std::unique_ptr<gzFile_s, CloseGzip> gzip;
  std::uint64_t position = 0;

  void open_gzip() {
    // zlib hands through what is not gzip; a file named .gz that is not must not pass for text.
    char magic[2] = {};
    {
      const FileHandle file = open_file(path);
      const std::size_t got = read_some(file.get(), path, magic);
      if (got < 2 || magic[0] != '\x1f' || magic[1] != '\x8b') {
        throw InputError("named .gz, but not gzip data", path.string() + ", byte 0",
                         "rename it, or copy it again from where it came");
      }
    }
    errno = 0;
    gzip.reset(gzopen(path.c_str(), "rb"));
    if (!gzip) cannot_read(path, errno);
    gzbuffer(gzip.get(), 1u << 18);
  }

  std::size_t read_gzip(std::span<char> buffer) {
    const auto wanted = static_cast<unsigned>(std::min<std::size_t>(buffer.size(), 1u << 30));
    const int count = gzread(gzip.get(), buffer.data(), wanted);
    int code = Z_OK;
    const char* message = gzerror(gzip.get(), &code);
    // A file that was cut off first gives its last bytes and only then reports Z_BUF_ERROR.
    if (count < 0 || (static_cast<unsigned>(count) < wanted && code != Z_OK)) {
      if (code == Z_ERRNO) cannot_read(path, errno);
      const bool truncated = code == Z_BUF_ERROR;
      throw InputError(
          truncated ? "the gzip data end too early" : std::string("damaged gzip data: ") + message,
          path.string() + ", about byte " + std::to_string(gzoffset(gzip.get())),
          "copy the file again from where it came (`gzip -t` checks it)");
    }
    return static_cast<std::size_t>(count);
  }
};

ByteSource::ByteSource(const std::filesystem::path& path) : handle_(std::make_unique<Handle>()) {
  handle_->path = path;
  if (path.extension() == ".gz") {
    handle_->open_gzip();
  } else {
    handle_->plain = open_file(path);
  }
}

ByteSource::~ByteSource() = default;
ByteSource::ByteSource(ByteSource&&) noexcept = default;
ByteSource& ByteSource::operator=(ByteSource&&) noexcept = default;

std::size_t ByteSource::read(std::span<char> buffer) {
  const std::size_t count =
      handle_->gzip ? handle_->read_gzip(buffer) : read_some(handle_->plain.get(), handle_->path, buffer);
  handle_->position += count;
  return count;
}

void ByteSource::skip_to(std::uint64_t offset) {
  if (handle_->plain) {
    if (fseeko(handle_->plain.get(), static_cast<off_t>(offset), SEEK_SET) != 0)
      cannot_read(handle_->path, errno);
    handle_->position = offset;
    return;
  }
  std::vector<char> scratch(chunk_bytes);
  while (handle_->position < offset) {
    const std::uint64_t left = offset - handle_->position;
    const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(left, scratch.size()));
    if (read(std::span(scratch).first(step)) == 0) {
      throw InputError("the file became shorter while it was read", handle_->path.string());
    }
  }
}

std::string hash_file(const std::filesystem::path& path) {
  const FileHandle file = open_file(path);
  std::vector<char> buffer(chunk_bytes);
  Hasher hasher;
  while (const std::size_t count = read_some(file.get(), path, buffer)) {
    hasher.bytes(std::as_bytes(std::span(buffer).first(count)));
  }
  return hasher.hex();
}

std::string read_whole_file(const std::filesystem::path& path, std::uint64_t limit) {
  const FileHandle file = open_file(path);
  std::string content;
  std::vector<char> buffer(chunk_bytes);
  while (const std::size_t count = read_some(file.get(), path, buffer)) {
    if (content.size() + count > limit) {
      throw InputError("larger than the " + std::to_string(limit) + " bytes such a file may have",
                       path.string());
    }
    content.append(buffer.data(), count);
  }
  return content;
}

}  // namespace bitdarts::data
