// A file system that fails on request, for LD_PRELOAD. The environment says where and when:
//   FAIL_PATH   only files whose path contains this text
//   FAIL_CALL   write | fsync | rename | open | lock (flock, and the locks of fcntl) | symlink
//   FAIL_AT     the first call that fails, counted from 1
//   FAIL_COUNT  how many fail, 0: all from then on, as on a disk that stays full (default 0)
//   FAIL_AS     ENOSPC | EDQUOT | EIO | ENOLCK | EOPNOTSUPP | ENOSYS | EINVAL | EPERM |
//               short (a write takes half of what it is given, and the next goes on)
//   FAIL_LOG    a file that gets a line for every call that was made to fail
// And, to change something at a known moment: when GATE_PATH is opened for writing, the process says so to
// the pipe GATE and waits until it is told something by it.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

namespace {

enum class Verdict { pass, shorten, fail };

std::string setting(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

template <class Function>
Function next_one(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

void log(const std::string& line) {
  const std::string path = setting("FAIL_LOG");
  if (path.empty()) return;
  const int file =
      next_one<int (*)(const char*, int, ...)>("open")(path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666);
  if (file < 0) return;
  [[maybe_unused]] const auto written =
      next_one<ssize_t (*)(int, const void*, std::size_t)>("write")(file, line.data(), line.size());
  ::close(file);
}

int number_of(const std::string& name) {
  static const std::map<std::string, int> numbers{
      {"EDQUOT", EDQUOT}, {"EIO", EIO},       {"ENOLCK", ENOLCK}, {"EOPNOTSUPP", EOPNOTSUPP},
      {"ENOSYS", ENOSYS}, {"EINVAL", EINVAL}, {"EPERM", EPERM}};
  const auto found = numbers.find(name);
  return found == numbers.end() ? ENOSPC : found->second;
}

Verdict verdict(const std::string& call, const std::string& path) {
  static long calls = 0;
  const std::string part = setting("FAIL_PATH");
  if (part.empty() || setting("FAIL_CALL") != call || path.find(part) == std::string::npos)
    return Verdict::pass;
  const long first = std::atol(setting("FAIL_AT").c_str()), count = std::atol(setting("FAIL_COUNT").c_str());
  ++calls;
  if (calls < first || (count > 0 && calls >= first + count)) return Verdict::pass;
  const std::string as = setting("FAIL_AS");
  log(call + " " + std::to_string(calls) + " " + as + " " + path + "\n");
  if (as == "short") return Verdict::shorten;
  errno = number_of(as);
  return Verdict::fail;
}

void wait_at_gate(const std::string& path) {
  static bool passed = false;
  const std::string part = setting("GATE_PATH");
  if (passed || part.empty() || path.find(part) == std::string::npos) return;
  passed = true;
  if (std::FILE* gate = std::fopen(setting("GATE").c_str(), "w")) {
    std::fputs("here\n", gate);
    std::fclose(gate);
  }
  if (std::FILE* gate = std::fopen(setting("GATE").c_str(), "r")) {
    std::fgetc(gate);
    std::fclose(gate);
  }
}

std::string path_of(int descriptor) {
  char name[64], target[4096];
  std::snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
  const auto length = ::readlink(name, target, sizeof target);
  return length > 0 ? std::string(target, static_cast<std::size_t>(length)) : "";
}

std::string absolute(const std::string& path) {
  char here[4096];
  if (path.empty() || path.front() == '/' || ::getcwd(here, sizeof here) == nullptr) return path;
  return std::string(here) + "/" + path;
}

template <class Write>
ssize_t guarded(int descriptor, std::size_t size, Write&& write) {
  switch (verdict("write", path_of(descriptor))) {
    case Verdict::fail:
      return -1;
    case Verdict::shorten:
      return write(size > 1 ? size / 2 : size);
    case Verdict::pass:
      break;
  }
  return write(size);
}

using Open = int(const char*, int, ...);

// The mode follows the flags of a call that may make the file.
int guarded_open(Open* next, const char* path, int flags, va_list more) {
  const unsigned mode = (flags & O_CREAT) != 0 ? va_arg(more, unsigned) : 0;
  const bool writes = (flags & (O_WRONLY | O_RDWR)) != 0;
  if (writes) wait_at_gate(path);
  return writes && verdict("open", absolute(path)) != Verdict::pass ? -1 : next(path, flags, mode);
}

bool is_lock(int command) {
  for (const int lock : {F_GETLK, F_SETLK, F_SETLKW, F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW})
    if (command == lock) return true;
  return false;
}

using Control = int(int, int, ...);

// What follows the command is a pointer, an int or nothing; as an argument it is a register in each case.
int guarded_control(Control* next, int descriptor, int command, va_list more) {
  void* const value = va_arg(more, void*);
  if (is_lock(command) && verdict("lock", path_of(descriptor)) != Verdict::pass) return -1;
  return next(descriptor, command, value);
}

}  // namespace

extern "C" {

int flock(int descriptor, int operation) noexcept {
  static const auto next = next_one<int (*)(int, int)>("flock");
  return verdict("lock", path_of(descriptor)) == Verdict::pass ? next(descriptor, operation) : -1;
}
int fcntl(int descriptor, int command, ...) {
  static const auto next = next_one<Control*>("fcntl");
  va_list more;
  va_start(more, command);
  const int result = guarded_control(next, descriptor, command, more);
  va_end(more);
  return result;
}
int fcntl64(int descriptor, int command, ...) {
  static const auto next = next_one<Control*>("fcntl64");
  va_list more;
  va_start(more, command);
  const int result = guarded_control(next, descriptor, command, more);
  va_end(more);
  return result;
}
int symlink(const char* target, const char* path) noexcept {
  static const auto next = next_one<int (*)(const char*, const char*)>("symlink");
  return verdict("symlink", absolute(path)) == Verdict::pass ? next(target, path) : -1;
}

ssize_t write(int descriptor, const void* data, std::size_t size) {
  static const auto next = next_one<ssize_t (*)(int, const void*, std::size_t)>("write");
  return guarded(descriptor, size, [&](std::size_t n) { return next(descriptor, data, n); });
}
ssize_t pwrite(int descriptor, const void* data, std::size_t size, off_t offset) {
  static const auto next = next_one<ssize_t (*)(int, const void*, std::size_t, off_t)>("pwrite");
  return guarded(descriptor, size, [&](std::size_t n) { return next(descriptor, data, n, offset); });
}
ssize_t pwrite64(int descriptor, const void* data, std::size_t size, off64_t offset) {
  static const auto next = next_one<ssize_t (*)(int, const void*, std::size_t, off64_t)>("pwrite64");
  return guarded(descriptor, size, [&](std::size_t n) { return next(descriptor, data, n, offset); });
}
int fsync(int descriptor) {
  static const auto next = next_one<int (*)(int)>("fsync");
  return verdict("fsync", path_of(descriptor)) == Verdict::pass ? next(descriptor) : -1;
}
int rename(const char* from, const char* to) {
  static const auto next = next_one<int (*)(const char*, const char*)>("rename");
  return verdict("rename", absolute(to)) == Verdict::pass ? next(from, to) : -1;
}
int open(const char* path, int flags, ...) {
  static const auto next = next_one<Open*>("open");
  va_list more;
  va_start(more, flags);
  const int descriptor = guarded_open(next, path, flags, more);
  va_end(more);
  return descriptor;
}
int open64(const char* path, int flags, ...) {
  static const auto next = next_one<Open*>("open64");
  va_list more;
  va_start(more, flags);
  const int descriptor = guarded_open(next, path, flags, more);
  va_end(more);
  return descriptor;
}
}
