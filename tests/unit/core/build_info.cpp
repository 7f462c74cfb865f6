#include "core/build_info.hpp"

#include "catch.hpp"

TEST_CASE("the program knows what it was built from") {
  const auto info = bitdarts::build_info();
  CHECK(info.version.find('.') != std::string::npos);
  CHECK_FALSE(info.git_revision.empty());
  CHECK(info.compiler.find(' ') != std::string::npos);
}
