#include "data/plain_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "core/error.hpp"

namespace bitdarts::data {
namespace {

[[noreturn]] void cannot_read(const std::filesystem::path& path, int code) {
  throw InputError(std::string("cannot read the file: ") + std::strerror(code), path.string(),
                   "check that it exists and that you may read it");
}

}  // namespace

PlainFile::PlainFile(const std::filesystem::path& path) : path_(path) {
  // Without O_NONBLOCK opening a pipe waits for its writer.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) cannot_read(path, errno);
  struct stat facts {};
  if (::fstat(descriptor, &facts) != 0 || !S_ISREG(facts.st_mode)) {
    ::close(descriptor);
    throw InputError("not a regular file", path.string(), "save the content in a file first");
  }
  file_.reset(::fdopen(descriptor, "rb"));
  if (!file_) {
    const int code = errno;
    ::close(descriptor);
    cannot_read(path, code);
  }
}

std::size_t PlainFile::read(std::span<char> buffer) {
  errno = 0;
  const std::size_t count = std::fread(buffer.data(), 1, buffer.size(), file_.get());
  if (count < buffer.size() && std::ferror(file_.get())) cannot_read(path_, errno);
  return count;
}

void PlainFile::seek(std::uint64_t offset) {
  if (fseeko(file_.get(), static_cast<off_t>(offset), SEEK_SET) != 0) cannot_read(path_, errno);
}

}  // namespace bitdarts::data
