#include "report/gnuplot.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <regex>

#include "core/error.hpp"
#include "report/chart.hpp"
#include "report/html.hpp"

namespace bitdarts::report {
namespace {

[[noreturn]] void cannot(const std::string& what) {
  throw Error("cannot draw a chart: " + what + " (" + std::strerror(errno) + ")", "gnuplot");
}

// A file that is gone when it is closed; what it was called stays known to gnuplot until then.
class ScratchFile {
 public:
  ScratchFile() {
    std::string name = (std::filesystem::temp_directory_path() / "bitdarts-plot-XXXXXX").string();
    descriptor_ = mkstemp(name.data());
    if (descriptor_ < 0) cannot("no temporary file " + name);
    path_ = name;
  }
  ~ScratchFile() {
    close(descriptor_);
    unlink(path_.c_str());
  }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  const std::string& path() const { return path_; }
  int descriptor() const { return descriptor_; }

  void write(const std::string& text) const {
    for (std::size_t done = 0; done < text.size();) {
      const auto wrote = ::write(descriptor_, text.data() + done, text.size() - done);
      if (wrote < 0 && errno != EINTR) cannot("cannot write " + path_);
      if (wrote > 0) done += static_cast<std::size_t>(wrote);
    }
  }
  std::string read() const {
    std::string text;
    std::array<char, 65536> block;
    for (off_t at = 0;;) {
      const auto got = pread(descriptor_, block.data(), block.size(), at);
      if (got < 0 && errno != EINTR) cannot("cannot read " + path_);
      if (got == 0) return text;
      if (got > 0) text.append(block.data(), static_cast<std::size_t>(got)), at += got;
    }
  }

 private:
  int descriptor_ = -1;
  std::string path_;
};

// Starts gnuplot and waits for it; the status that waitpid gives.
int spawn_gnuplot(const std::string& script, int output, int messages) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, messages, STDERR_FILENO);
  std::string program = "gnuplot", defaults = "-d", file = script;  // -d: not the user's own settings
  std::array<char*, 4> arguments{program.data(), defaults.data(), file.data(), nullptr};
  pid_t child = 0;
  const int failed = posix_spawnp(&child, "gnuplot", &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed == ENOENT || failed == EACCES) {
    throw Error("gnuplot is not installed, and the report draws its charts with it", "PATH",
                "run ./setup, or install the package gnuplot-nox");
  }
  errno = failed;
  if (failed != 0) cannot("cannot start gnuplot");
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) cannot("cannot wait for gnuplot");
  return status;
}

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

void remove_between(std::string& text, const std::string& begin, const std::string& end) {
  for (auto at = text.find(begin); at != std::string::npos; at = text.find(begin, at)) {
    const auto stop = text.find(end, at);
    if (stop == std::string::npos) return;
    text.erase(at, stop + end.size() - at);
  }
}

}  // namespace

std::string run_gnuplot(const std::string& script) {
  const ScratchFile commands, output, messages;
  commands.write(script);
  const int status = spawn_gnuplot(commands.path(), output.descriptor(), messages.descriptor());
  const std::string drawn = output.read();
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || drawn.empty())
    throw Error("gnuplot could not draw a chart: " + messages.read(), "gnuplot",
                "is this gnuplot 5 or newer, with an svg terminal?");
  return drawn;
}

std::string gnuplot_quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'')
      quoted += "''";
    else
      quoted += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return quoted + "'";
}

std::string inline_svg(const std::string& svg, const std::string& name, const std::string& title) {
  const auto begin = svg.find("<svg"), end = svg.rfind("</svg>");
  if (begin == std::string::npos || end == std::string::npos)
    throw Error("gnuplot's answer is not an SVG picture", "gnuplot");
  std::string text = svg.substr(begin, end + 6 - begin);
  remove_between(text, "<title>", "</title>");
  remove_between(text, "<desc>", "</desc>");
  remove_between(text, "<filter", "</filter>");
  // Several charts share one page.
  for (const char* quote : {"'", "\""}) {
    replace_all(text, std::string("id=") + quote, std::string("id=") + quote + name + "-");
    replace_all(text, std::string("href=") + quote + "#", std::string("href=") + quote + "#" + name + "-");
  }
  text.insert(4, " role=\"img\" class=\"chart\"");
  text.insert(text.find('>') + 1, "<title>" + escaped(title) + "</title>");
  std::string coloured;
  const std::regex colour("rgb\\( *1, *0, *([0-9]+)\\)");
  auto from = text.cbegin();
  for (std::sregex_iterator match(text.begin(), text.end(), colour), none; match != none; ++match) {
    coloured.append(from, (*match)[0].first);
    coloured += css_colour(std::stoi((*match)[1]));
    from = (*match)[0].second;
  }
  return coloured.append(from, text.cend()) + "\n";
}

}  // namespace bitdarts::report
