#include <stdlib.h>

#include <fstream>

#include "catch.hpp"
#include "stage/directory_lock.hpp"

using bitdarts::stage::DirectoryLock;

TEST_CASE("who holds a directory is known while it is held, and a file left by the dead names nobody") {
  std::string name = (std::filesystem::temp_directory_path() / "bitdarts-holder-XXXXXX").string();
  REQUIRE(mkdtemp(name.data()) != nullptr);
  const std::filesystem::path folder = name;
  CHECK_FALSE(DirectoryLock::holder_of(folder));
  {
    const DirectoryLock lock(folder, {.stage = "search", .words = "bitdarts-search, process 7 on host n1"});
    const auto holder = DirectoryLock::holder_of(folder);
    REQUIRE(holder);
    CHECK(holder->stage == "search");
    CHECK(holder->words == "bitdarts-search, process 7 on host n1");
  }
  CHECK_FALSE(DirectoryLock::holder_of(folder));
  std::ofstream(folder / ".lock") << "bitdarts-search, process 7 on host n1";
  CHECK(DirectoryLock::file_in(folder));
  CHECK_FALSE(DirectoryLock::holder_of(folder));
  std::filesystem::remove_all(folder);
}
