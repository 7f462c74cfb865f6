#include "core/file_identity.hpp"

#include <fstream>

#include "catch.hpp"
#include "core/error.hpp"
#include "scratch_directory.hpp"

using namespace bitdarts;
namespace fs = std::filesystem;

namespace {

// A file of this test alone, and another beside it.
struct Files {
  ScratchDirectory folder;
  fs::path file = folder / "a", other = folder / "b";
  Files() {
    std::ofstream(file) << "one";
    std::ofstream(other) << "one";
  }
};

}  // namespace

TEST_CASE("a file that nobody touched is what it was") {
  const Files files;
  const auto before = identity_of(files.file);
  CHECK(std::ifstream(files.file).get() == 'o');
  CHECK_NOTHROW(require_unchanged(files.file, before));
}

TEST_CASE("a file that was removed, replaced or written to is not what it was, and the error names it") {
  const Files files;
  const auto before = identity_of(files.file);
  const auto named = Catch::Matchers::Contains(files.file.string());
  SECTION("replaced by another of the same content") { fs::rename(files.other, files.file); }
  SECTION("removed") { fs::remove(files.file); }
  SECTION("longer") { std::ofstream(files.file, std::ios::app) << "more"; }
  SECTION("written to, and as long as before") {
    std::ofstream(files.file) << "two";
    fs::last_write_time(files.file, fs::file_time_type::clock::now() + std::chrono::seconds(1));
  }
  CHECK_THROWS_AS(require_unchanged(files.file, before), InputError);
  CHECK_THROWS_WITH(require_unchanged(files.file, before), named);
}
