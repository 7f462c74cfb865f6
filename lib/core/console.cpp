#include "core/console.hpp"

#include <unistd.h>

#include <cstdio>

namespace bitdarts {
namespace {

// One write per message: lines of several processes on one stderr do not mix.
void say(std::FILE* stream, const std::string& line) {
  std::fwrite(line.data(), 1, line.size(), stream);
  std::fflush(stream);
}

}  // namespace

Console::Console(bool speaks, std::string stage, bool quiet, Terminal terminal)
    : speaks_(speaks),
      quiet_(quiet),
      terminal_(terminal == Terminal::ask ? isatty(STDERR_FILENO) == 1 : terminal == Terminal::yes),
      stage_(std::move(stage)) {}

void Console::note(const std::string& text) const {
  if (!speaks_ || quiet_) return;
  // On a terminal a progress bar may stand on the current line: the message takes its place.
  say(stderr, (terminal_ ? "\r\033[K" : "") + (stage_.empty() ? "" : stage_ + ": ") + text + "\n");
}

void Console::warn(const std::string& text) const {
  if (!speaks_) return;
  say(stderr,
      (terminal_ ? "\r\033[K" : "") + (stage_.empty() ? "" : stage_ + ": ") + "warning: " + text + "\n");
}

void Console::result(const std::string& text) const {
  if (!speaks_) return;
  say(stdout, text + "\n");
}

}  // namespace bitdarts
