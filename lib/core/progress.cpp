#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "core/console.hpp"

namespace bitdarts {
namespace {

using Clock = std::chrono::steady_clock;
constexpr double redraw_seconds = 0.1;
constexpr std::size_t bar_width = 24;

double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

std::string printed(const char* format, double value) {
  char text[48];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string printed_rate(double rate) {
  if (rate >= 1e9) return printed("%.2fG", rate / 1e9);
  if (rate >= 1e6) return printed("%.2fM", rate / 1e6);
  if (rate >= 1e3) return printed("%.1fk", rate / 1e3);
  return printed("%.1f", rate);
}

std::string printed_duration(double seconds) {
  const auto whole = static_cast<long long>(std::ceil(seconds));
  char text[64];
  if (whole >= 3600) {
    std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60, whole % 60);
  } else {
    std::snprintf(text, sizeof text, "%lld:%02lld", whole / 60, whole % 60);
  }
  return text;
}

std::string bar(double done) {
  const auto filled = static_cast<std::size_t>(std::clamp(done, 0.0, 1.0) * static_cast<double>(bar_width));
  return "[" + std::string(filled, '=') + std::string(bar_width - filled, '.') + "] ";
}

std::size_t terminal_columns() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  if (const char* columns = std::getenv("COLUMNS")) {
    if (const int count = std::atoi(columns); count > 20) return static_cast<std::size_t>(count);
  }
  return 80;
}

}  // namespace

Progress::Progress(const Console& console, std::string what, std::int64_t total, std::int64_t start,
                   double plain_seconds)
    : console_(console),
      what_(std::move(what)),
      total_(total),
      start_(start),
      plain_seconds_(plain_seconds),
      began_(Clock::now()),
      last_(began_) {}

Progress::~Progress() { finish(); }

void Progress::update(std::int64_t step, const std::vector<Value>& values, double units_done,
                      const std::string& unit) {
  if (!console_.speaks() || console_.quiet()) return;
  const auto now = Clock::now();
  const double pause = console_.terminal() ? redraw_seconds : plain_seconds_;
  if (drawn_ && step != total_ && seconds_between(last_, now) < pause) return;

  const double elapsed = seconds_between(began_, now);
  std::string line = std::to_string(step);
  if (total_ > 0) line += "/" + std::to_string(total_);
  for (const auto& value : values) line += "  " + value.name + " " + printed("%.5g", value.value);
  if (units_done > 0 && elapsed > 0) line += "  " + printed_rate(units_done / elapsed) + " " + unit + "/s";
  if (step >= total_) {
    line += "  took " + printed_duration(elapsed);
  } else if (step > start_) {
    const double per_step = elapsed / static_cast<double>(step - start_);
    line += "  ETA " + printed_duration(per_step * static_cast<double>(total_ - step));
  }

  if (console_.terminal()) {
    if (total_ > 0) line = bar(static_cast<double>(step) / static_cast<double>(total_)) + line;
    line = what_ + " " + line;
    // A line that wraps could not be redrawn in place.
    line.resize(std::min(line.size(), terminal_columns() - 1));
    std::fprintf(stderr, "\r%s\033[K", line.c_str());
    std::fflush(stderr);
  } else {
    console_.note(what_ == console_.stage() ? line : what_ + " " + line);
  }
  drawn_ = true;
  last_ = now;
}

void Progress::finish() {
  if (drawn_ && console_.terminal()) {
    std::fputc('\n', stderr);
    std::fflush(stderr);
  }
  drawn_ = false;
}

}  // namespace bitdarts
