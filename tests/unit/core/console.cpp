#include "core/console.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>

#include "catch.hpp"

using namespace bitdarts;

namespace {

// What `work` writes to a file descriptor that is a file, not a terminal.
std::string written_to(int descriptor, const std::function<void()>& work) {
  std::FILE* file = std::tmpfile();
  std::fflush(nullptr);
  const int before = dup(descriptor);
  dup2(fileno(file), descriptor);
  work();
  std::fflush(nullptr);
  dup2(before, descriptor);
  ::close(before);
  std::rewind(file);
  std::string text(10000, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  std::fclose(file);
  return text;
}

std::string on_stderr(const std::function<void()>& work) { return written_to(STDERR_FILENO, work); }

std::string progress_lines(bool speaks, bool quiet, double plain_seconds, int steps) {
  return on_stderr([&] {
    const Console console(speaks, "search", quiet);
    Progress progress(console, "warm-up", steps, 0, plain_seconds);
    for (int step = 1; step <= steps; ++step) progress.update(step, {{"loss", 2.5}}, step * 100.0, "tokens");
    progress.finish();
  });
}

}  // namespace

TEST_CASE("notes and warnings carry the stage's name and go to stderr, results to stdout") {
  const auto speak = [] {
    const Console console(true, "search");
    console.note("hello");
    console.warn("careful");
    console.result("42");
  };
  CHECK(on_stderr(speak) == "search: hello\nsearch: warning: careful\n");
  CHECK(written_to(STDOUT_FILENO, speak) == "42\n");
}

TEST_CASE("quiet silences notes but never warnings") {
  CHECK(on_stderr([] {
          const Console console(true, "", true);
          console.note("hello");
          console.warn("careful");
        }) == "warning: careful\n");
}

TEST_CASE("a rank that does not speak says nothing") {
  const auto speak = [] {
    const Console console(false, "search");
    console.note("hello");
    console.warn("careful");
    console.result("42");
  };
  CHECK(on_stderr(speak).empty());
  CHECK(written_to(STDOUT_FILENO, speak).empty());
  CHECK(progress_lines(false, false, 0, 3).empty());
}

TEST_CASE("away from a terminal progress is the first line, the last, and one every so often") {
  const std::string lines = progress_lines(true, false, 1e9, 100);
  CHECK(lines.starts_with("search: warm-up 1/100  loss 2.5"));
  CHECK(lines.find("tokens/s") != std::string::npos);
  CHECK(lines.find("100/100") != std::string::npos);
  CHECK(std::count(lines.begin(), lines.end(), '\n') == 2);
  CHECK(lines.find('\r') == std::string::npos);

  const std::string all = progress_lines(true, false, 0, 5);
  CHECK(std::count(all.begin(), all.end(), '\n') == 5);
}

TEST_CASE("quiet silences progress") { CHECK(progress_lines(true, true, 0, 3).empty()); }
