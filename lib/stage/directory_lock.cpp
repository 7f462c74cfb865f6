#include "stage/directory_lock.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <sstream>

#include "core/error.hpp"

namespace bitdarts::stage {
namespace {

namespace fs = std::filesystem;

constexpr const char* file_name = ".lock";

[[noreturn]] void cannot_write(const fs::path& directory, const std::string& reason) {
  throw Error("nothing can be written to the directory of the products (" + reason + ")", directory.string(),
              "look at free space, quota and write permission, or name another --out");
}

// Of the open file, not of the process: a second lock in the same process is refused too.
bool try_lock(int descriptor, int* failure) {
  struct flock whole_file {};
  whole_file.l_type = F_WRLCK;
  whole_file.l_whence = SEEK_SET;
  bool taken = false;
  do taken = ::fcntl(descriptor, F_OFD_SETLK, &whole_file) == 0;
  while (!taken && errno == EINTR);  // over a network it may take a while
  *failure = taken ? 0 : errno;
  return taken;
}

// The file has a line for people, and one with the stage for programs.
std::string text_of(const LockHolder& holder) { return holder.words + "\n" + holder.stage + "\n"; }

LockHolder holder_in(int descriptor) {
  std::array<char, 1024> text{};
  const auto length = ::pread(descriptor, text.data(), text.size(), 0);
  LockHolder holder{.stage = {}, .words = "another run"};
  if (length <= 0) return holder;
  std::istringstream lines(std::string(text.data(), static_cast<std::size_t>(length)));
  std::getline(lines, holder.words);
  std::getline(lines, holder.stage);
  return holder;
}

}  // namespace

DirectoryLock::DirectoryLock(const fs::path& directory, const LockHolder& holder)
    : path_(directory / file_name) {
  std::error_code failed;
  made_ = fs::create_directories(directory, failed);
  if (failed) cannot_write(directory, failed.message());
  while (true) {
    open();
    int failure = 0;
    if (!try_lock(descriptor_, &failure)) {
      const bool held = failure == EAGAIN || failure == EACCES;
      const std::string other = held ? holder_in(descriptor_).words : "";
      // Its file says nothing to anybody; one with a text may be locked from a machine that can.
      if (!held && empty()) ::unlink(path_.c_str());
      ::close(descriptor_);
      descriptor_ = -1;
      if (held)
        throw Error("another run is writing to this directory: " + other, directory.string(),
                    "wait until it ends, stop it, or name another --out");
      warning_ = "the file system of " + directory.string() + " has no locks (" + std::strerror(failure) +
                 "): nothing keeps a second run from writing there";
      return;
    }
    // Whoever held it before may have removed the file between our opening and our locking it.
    if (still_there()) break;
    ::close(descriptor_);
  }
  write(text_of(holder));
}

DirectoryLock::~DirectoryLock() {
  if (descriptor_ < 0) return;
  ::unlink(path_.c_str());  // while it is locked: a file that is there and free belongs to nobody
  ::close(descriptor_);
  std::error_code not_empty;
  if (made_) fs::remove(path_.parent_path(), not_empty);
}

bool DirectoryLock::file_in(const fs::path& directory) {
  std::error_code unknown;
  return fs::exists(directory / file_name, unknown);
}

std::optional<LockHolder> DirectoryLock::holder_of(const fs::path& directory) {
  const int descriptor = ::open((directory / file_name).c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return std::nullopt;
  struct flock whole_file {};
  whole_file.l_type = F_WRLCK;
  whole_file.l_whence = SEEK_SET;
  const bool held = ::fcntl(descriptor, F_OFD_GETLK, &whole_file) == 0 && whole_file.l_type != F_UNLCK;
  const auto holder = held ? std::optional(holder_in(descriptor)) : std::nullopt;
  ::close(descriptor);
  return holder;
}

void DirectoryLock::open() {
  constexpr mode_t for_everyone = 0666;  // less the user's umask
  descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, for_everyone);
  if (descriptor_ < 0) cannot_write(path_.parent_path(), std::strerror(errno));
}

bool DirectoryLock::empty() const {
  struct stat mine {};
  return ::fstat(descriptor_, &mine) == 0 && mine.st_size == 0;
}

bool DirectoryLock::still_there() const {
  struct stat mine {
  }, named{};
  return ::fstat(descriptor_, &mine) == 0 && ::stat(path_.c_str(), &named) == 0 &&
         mine.st_ino == named.st_ino && mine.st_dev == named.st_dev;
}

// A disk with no room for a line has none for a product.
void DirectoryLock::write(const std::string& text) const {
  bool going = ::ftruncate(descriptor_, 0) == 0;
  for (std::size_t done = 0; going && done < text.size();) {
    const auto more = ::pwrite(descriptor_, text.data() + done, text.size() - done, static_cast<off_t>(done));
    if (more > 0) done += static_cast<std::size_t>(more);
    going = more > 0 || (more < 0 && errno == EINTR);
    if (more == 0) errno = ENOSPC;
  }
  if (!going) {
    const std::string reason = std::strerror(errno);
    ::unlink(path_.c_str());
    ::close(descriptor_);
    std::error_code not_empty;
    if (made_) fs::remove(path_.parent_path(), not_empty);
    cannot_write(path_.parent_path(), reason);
  }
}

}  // namespace bitdarts::stage
