#include "core/plain_message.hpp"

#include <new>
#include <stdexcept>
#include <vector>

#include "catch.hpp"

using bitdarts::plain_message;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

TEST_CASE("the want of memory is said in a line with its remedy, whoever has found it out") {
  const std::string remedy =
      "\n  try:   smaller sizes or batches, fewer ranks on a machine, or a larger machine";
  CHECK(plain_message(std::bad_alloc()) == "there is not enough memory" + remedy);
  try {
    std::vector<float> impossible(std::vector<float>().max_size() + 1);
    FAIL("was made");
  } catch (const std::exception& error) {
    CHECK(plain_message(error) == "there is not enough memory" + remedy);
  }
  // As LibTorch 1.13 and 2.x say it.
  CHECK(plain_message(std::runtime_error("[enforce fail at alloc_cpu.cpp:66] . DefaultCPUAllocator: can't "
                                         "allocate memory: you tried to allocate "
                                         "4398046511104 bytes. Error code 12 (Cannot allocate memory)\nframe "
                                         "#0: c10::ThrowEnforceNotMet(char "
                                         "const*) + 0x5b\nframe #1: <unknown function> + 0x2a2f1")) ==
        "there is not enough memory: 4398046511104 bytes more were asked for" + remedy);
  CHECK(plain_message(std::runtime_error("[enforce fail at alloc_cpu.cpp:114] data. DefaultCPUAllocator: not "
                                         "enough memory: you tried to allocate "
                                         "1024 bytes.\nframe #0: c10")) ==
        "there is not enough memory: 1024 bytes more were asked for" + remedy);
  CHECK(plain_message(
            std::runtime_error("Storage size calculation overflowed with sizes=[9, 9]\nException raised "
                               "from computeStorageNbytes")) == "there is not enough memory" + remedy);
  CHECK(plain_message(
            std::runtime_error("CUDA out of memory. Tried to allocate 2.00 GiB (GPU 0; 79.15 GiB total "
                               "capacity; 75.00 GiB already allocated)\nException raised from malloc")) ==
        "there is not enough memory on the GPU: 2.00 GiB more were asked for" + remedy);
}

TEST_CASE("places in the sources of LibTorch are left out, and all else is said as it is") {
  CHECK(plain_message(std::runtime_error("out of luck")) == "out of luck");
  CHECK(plain_message(std::runtime_error("bad shape\nException raised from f at a.cpp:3")) == "bad shape");
  CHECK(plain_message(std::runtime_error("bad shape\nframe #0: f")) == "bad shape");
}
