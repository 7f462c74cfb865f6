#include "core/available_memory.hpp"

#include <cmath>
#include <fstream>

#include "catch.hpp"
#include "scratch_directory.hpp"

using bitdarts::available_memory;
namespace fs = std::filesystem;

namespace {

void put(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

void put_system(const ScratchDirectory& root) {
  put(root / "proc/meminfo",
      "MemTotal:       8000 kB\nMemFree:         100 kB\nMemAvailable:   4000 kB\nSwapTotal:       900 kB\n"
      "SwapFree:        500 kB\n");
}
constexpr double of_system = 4500.0 * 1024;

}  // namespace

TEST_CASE("without limits there is what the system has, swap included") {
  const ScratchDirectory root;
  CHECK(std::isinf(available_memory(root.path())));  // nobody says anything
  put_system(root);
  CHECK(available_memory(root.path()) == of_system);
  put(root / "proc/self/cgroup", "0::/\n");
  put(root / "sys/fs/cgroup/memory.max", "max\n");
  CHECK(available_memory(root.path()) == of_system);
}

TEST_CASE("the tightest limit of the control groups above a process counts, less what they hold but files") {
  const ScratchDirectory root;
  put_system(root);
  put(root / "proc/self/cgroup", "0::/slurm/job_7/step_0\n");
  const fs::path groups = root / "sys/fs/cgroup/slurm";
  put(groups / "job_7/step_0/memory.max", "3000000\n");
  CHECK(available_memory(root.path()) == 3000000);
  put(groups / "job_7/memory.max", "2000000\n");
  put(groups / "job_7/memory.current", "1900000\n");
  put(groups / "job_7/memory.stat", "anon 250000\nfile 1500000\nanon_thp 5\n");
  CHECK(available_memory(root.path()) == 1750000);
  put(groups / "job_7/memory.swap.max", "100000\n");
  CHECK(available_memory(root.path()) == 1850000);
  put(groups / "job_7/memory.swap.max", "max\n");  // all the swap that the system has
  CHECK(available_memory(root.path()) == 1750000 + 500 * 1024);
  put(groups / "job_7/memory.max", "200000\n");
  put(groups / "job_7/memory.swap.max", "0\n");
  CHECK(available_memory(root.path()) == 0);  // more than it may already
}

TEST_CASE("control groups of version 1 count too") {
  const ScratchDirectory root;
  put_system(root);
  put(root / "proc/self/cgroup", "12:cpu,cpuacct:/docker/a\n9:blkio,memory:/docker/a\n1:name=systemd:/x\n");
  put(root / "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  put(root / "sys/fs/cgroup/memory/docker/a/memory.limit_in_bytes", "1000000\n");
  put(root / "sys/fs/cgroup/memory/docker/a/memory.stat", "rss 7\ntotal_cache 600000\ntotal_rss 300000\n");
  CHECK(available_memory(root.path()) == 700000);
}

TEST_CASE("this machine has memory") { CHECK(available_memory() > 1e6); }
