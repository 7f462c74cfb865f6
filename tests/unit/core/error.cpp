#include "core/error.hpp"

#include "catch.hpp"

using namespace bitdarts;

TEST_CASE("an error says what, where and what to try, and leaves out what is not known") {
  CHECK(std::string(Error("it broke").what()) == "it broke");
  CHECK(std::string(Error("it broke", "a.h5").what()) == "it broke\n  where: a.h5");
  CHECK(std::string(Error("it broke", "", "again").what()) == "it broke\n  try:   again");
  CHECK(std::string(Error("it broke", "a.h5", "again").what()) == "it broke\n  where: a.h5\n  try:   again");
}

TEST_CASE("each kind of error has its exit code") {
  CHECK(Error("x").exit_code() == ExitCode::failure);
  CHECK(ConfigError("x").exit_code() == ExitCode::bad_configuration);
  CHECK(InputError("x").exit_code() == ExitCode::bad_input);
  CHECK(Interrupted("x").exit_code() == ExitCode::interrupted);
  CHECK(static_cast<int>(ExitCode::bad_configuration) == 2);
  CHECK(static_cast<int>(ExitCode::bad_input) == 3);
  CHECK(static_cast<int>(ExitCode::interrupted) == 75);
}
