// Loaded into a stage by LD_PRELOAD: raises a signal just before chosen calls that change files, so that a
// test can end, stop or disturb the stage at exactly that place. No product code knows of it.
//
//   FAULT_UNDER   only calls on files whose path contains this text are counted
//   FAULT_AT      "CALL:N ...": before the Nth such CALL; "CALL:N+": before each from the Nth on. CALL is
//                 write, fsync, rename or remove, or any (counts them all), and of MPI init, finalize or
//                 allreduce
//   FAULT_RANK    only this rank gets the signal
//   FAULT_SIGNAL  the number of the signal; before it ends the process, half of a write is done
//   FAULT_LOG     this file gets a line "N CALL PATH" of every call counted; of a chosen allreduce, a line
//                 "N allreduce RANK" of every rank that comes to it
#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <sstream>
#include <string>

namespace {

template <class Function>
Function* original(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

std::string setting(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

enum Call {
  write_call,
  fsync_call,
  rename_call,
  remove_call,
  init_call,
  finalize_call,
  allreduce_call,
  calls
};
constexpr std::array<const char*, calls> names = {"write", "fsync",    "rename",   "remove",
                                                  "init",  "finalize", "allreduce"};

std::string path_of(int descriptor) {
  std::array<char, 4096> path{};
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  const ssize_t length = ::readlink(link.c_str(), path.data(), path.size());
  return length > 0 ? std::string(path.data(), static_cast<std::size_t>(length)) : "";
}

void log(long number, Call call, const std::string& path) {
  const std::string file = setting("FAULT_LOG");
  if (file.empty()) return;
  if (std::FILE* stream = std::fopen(file.c_str(), "a")) {
    std::fprintf(stream, "%ld %s %s\n", number, names[call], path.c_str());
    std::fclose(stream);
  }
}

bool chosen(const std::string& name, long number) {
  std::istringstream points(setting("FAULT_AT"));
  for (std::string point; points >> point;) {
    const auto colon = point.find(':');
    if (colon == std::string::npos || point.substr(0, colon) != name) continue;
    const long wanted = std::atol(point.c_str() + colon + 1);
    if (number == wanted || (point.back() == '+' && number > wanted)) return true;
  }
  return false;
}

// Counts the call. Is it to be struck?
bool struck(Call call, const std::string& path) {
  static std::mutex mutex;
  static std::array<long, calls> count{};
  static long all = 0;
  const std::string under = setting("FAULT_UNDER");
  const bool of_mpi = call == init_call || call == finalize_call || call == allreduce_call;
  if (under.empty() || (!of_mpi && path.find(under) == std::string::npos)) return false;
  const std::lock_guard lock(mutex);
  ++count[call];
  const std::string rank = setting("OMPI_COMM_WORLD_RANK"), only = setting("FAULT_RANK");
  const bool spared = !only.empty() && only != rank;
  if (of_mpi) {
    const bool here = chosen(names[call], count[call]);
    if (here && call == allreduce_call) log(count[call], call, rank);
    return here && !spared;
  }
  ++all;
  log(all, call, path);
  return !spared && (chosen(names[call], count[call]) || chosen("any", all));
}

int signal_number() { return std::atoi(setting("FAULT_SIGNAL").c_str()); }
void strike() { raise(signal_number()); }

// Runs `write_some(bytes)`; half of it first when the process does not outlive the signal.
template <class Write>
void before_write(int descriptor, std::size_t size, Write&& write_some) {
  if (!struck(write_call, path_of(descriptor))) return;
  if (signal_number() == SIGKILL) write_some(size / 2);
  strike();
}

ssize_t write_at(const char* name, int descriptor, const void* data, std::size_t size, off_t offset) {
  const auto real = original<ssize_t(int, const void*, std::size_t, off_t)>(name);
  before_write(descriptor, size, [&](std::size_t half) { real(descriptor, data, half, offset); });
  return real(descriptor, data, size, offset);
}

}  // namespace

extern "C" {

ssize_t write(int descriptor, const void* data, std::size_t size) {
  const auto real = original<ssize_t(int, const void*, std::size_t)>("write");
  before_write(descriptor, size, [&](std::size_t half) { real(descriptor, data, half); });
  return real(descriptor, data, size);
}

ssize_t pwrite(int descriptor, const void* data, std::size_t size, off_t offset) {
  return write_at("pwrite", descriptor, data, size, offset);
}

ssize_t pwrite64(int descriptor, const void* data, std::size_t size, off64_t offset) {
  return write_at("pwrite64", descriptor, data, size, offset);
}

int fsync(int descriptor) {
  if (struck(fsync_call, path_of(descriptor))) strike();
  return original<int(int)>("fsync")(descriptor);
}

int rename(const char* from, const char* to) noexcept {
  if (struck(rename_call, to)) strike();
  return original<int(const char*, const char*)>("rename")(from, to);
}

int remove(const char* path) noexcept {
  if (struck(remove_call, path)) strike();
  return original<int(const char*)>("remove")(path);
}

int unlink(const char* path) noexcept {
  if (struck(remove_call, path)) strike();
  return original<int(const char*)>("unlink")(path);
}

int MPI_Init_thread(int* argc, char*** argv, int required, int* provided) {
  if (struck(init_call, "")) strike();
  return original<int(int*, char***, int, int*)>("MPI_Init_thread")(argc, argv, required, provided);
}

// Its types are pointers or numbers, as the MPI has them: they are passed on as they come.
int MPI_Allreduce(const void* send, void* receive, int number, void* type, void* operation, void* ranks) {
  if (struck(allreduce_call, "")) strike();
  return original<int(const void*, void*, int, void*, void*, void*)>("MPI_Allreduce")(send, receive, number,
                                                                                      type, operation, ranks);
}

int MPI_Finalize() {
  if (struck(finalize_call, "")) strike();
  return original<int()>("MPI_Finalize")();
}
}
