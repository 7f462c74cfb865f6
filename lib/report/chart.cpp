#include "report/chart.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "report/gnuplot.hpp"

namespace bitdarts::report {
namespace {

constexpr int faint_code = 100;

// gnuplot draws in colours that nobody would use, and the page puts its own in their place: dark and light
// ones by CSS.
std::string colour_code(Ink ink, bool faint = false) {
  char text[16];
  std::snprintf(text, sizeof text, "\"#0100%02x\"", static_cast<int>(ink) + (faint ? faint_code : 0));
  return text;
}

std::string plain(double value) {
  if (!std::isfinite(value)) return "NaN";
  std::array<char, 40> text;
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

bool has_points(const Series& series) {
  for (std::size_t i = 0; i < std::min(series.x.size(), series.y.size()); ++i)
    if (std::isfinite(series.x[i]) && std::isfinite(series.y[i])) return true;
  return false;
}

std::string style_of(const Series& series) {
  const std::string colour = colour_code(series.ink, series.style == Series::Style::faint);
  switch (series.style) {
    case Series::Style::line:
      return "with lines lw 2 lc rgb " + colour;
    case Series::Style::faint:
      return "with lines lw 1 lc rgb " + colour;
    case Series::Style::dashed:
      return "with lines lw 1.6 dt (8,5) lc rgb " + colour;
    case Series::Style::dotted:
      return "with lines lw 1.6 dt (2,3) lc rgb " + colour;
    case Series::Style::points:
      return "with points pt " + std::to_string(series.point) + " ps 1.3 lc rgb " + colour;
  }
  return {};
}

std::string range(double low, double high) {
  return low == high ? "[*:*]" : "[" + plain(low) + ":" + plain(high) + "]";
}

std::string axes(const Chart& c) {
  std::string text = "set terminal svg size " + std::to_string(c.width) + "," + std::to_string(c.height) +
                     " dynamic font \"sans-serif,12\" noenhanced\n";
  text += "set encoding utf8\nset tics nomirror scale 0.4 textcolor rgb " + colour_code(Ink::text) + "\n";
  text += "set border 3 lc rgb " + colour_code(Ink::axis) + "\n";
  text += "set grid ytics lt 1 lw 0.6 lc rgb " + colour_code(Ink::grid) + "\n";
  text += "set key outside top left horizontal Left reverse samplen 2 width 1 textcolor rgb " +
          colour_code(Ink::text) + "\n";
  text += "set xlabel " + gnuplot_quoted(c.x_label) + " textcolor rgb " + colour_code(Ink::text) + "\n";
  text += "set ylabel " + gnuplot_quoted(c.y_label) + " textcolor rgb " + colour_code(Ink::text) + "\n";
  if (c.log_x) text += "set logscale x\n";
  if (c.log_y) text += "set logscale y\n";
  if (!c.x_format.empty()) text += "set format x " + gnuplot_quoted(c.x_format) + "\n";
  if (!c.y_format.empty()) text += "set format y " + gnuplot_quoted(c.y_format) + "\n";
  std::string ticks;
  for (const double x : c.x_ticks) ticks += (ticks.empty() ? "" : ", ") + plain(x);
  if (!ticks.empty()) text += "set xtics (" + ticks + ")\n";
  text += "set yrange " + (c.from_zero ? std::string("[0:*]") : range(c.y_low, c.y_high)) + "\n";
  text += "set xrange " + range(c.x_low, c.x_high) + "\n";
  return text;
}

}  // namespace

std::string css_colour(int code) {
  constexpr std::array<const char*, 10> names{"ink",    "axis",  "ink", "grid",   "blue",
                                              "orange", "green", "red", "purple", "grey"};
  const bool faint = code >= faint_code;
  const auto index = static_cast<std::size_t>(faint ? code - faint_code : code);
  return std::string("var(--") + names[index < names.size() ? index : 0] + (faint ? "-faint)" : ")");
}

std::string draw(const Chart& chart) {
  std::string script = axes(chart), plots;
  int number = 0;
  for (const Series& series : chart.series) {
    if (!has_points(series)) continue;
    const std::string block = "$data" + std::to_string(number++);
    script += block + " << END\n";
    for (std::size_t i = 0; i < std::min(series.x.size(), series.y.size()); ++i)
      script += plain(series.x[i]) + " " + plain(series.y[i]) + "\n";
    script += "END\n";
    plots += (plots.empty() ? "plot " : ", ") + block + " using 1:2 " + style_of(series) +
             (series.name.empty() ? " notitle" : " title " + gnuplot_quoted(series.name));
  }
  if (plots.empty()) return {};
  for (const ChartLabel& label : chart.labels) {
    script += "set label " + gnuplot_quoted(label.text) + " at first " + plain(label.x) + ", first " +
              plain(label.y) +
              (label.left ? " right offset character -1.3,0.5" : " left offset character 1.3,0.5") +
              " textcolor rgb " + colour_code(label.ink) + "\n";
  }
  return inline_svg(run_gnuplot(script + plots + "\n"), chart.name, chart.title);
}

Series thinned(Series series, std::size_t points) {
  const std::size_t size = std::min(series.x.size(), series.y.size());
  if (size <= points || points < 2) return series;
  std::vector<double> x, y;
  for (std::size_t k = 0; k < points; ++k) {
    const std::size_t at = k * (size - 1) / (points - 1);
    x.push_back(series.x[at]);
    y.push_back(series.y[at]);
  }
  series.x = std::move(x);
  series.y = std::move(y);
  return series;
}

Series smoothed(Series series, std::size_t window) {
  const auto half = static_cast<std::ptrdiff_t>(window / 2);
  const auto size = static_cast<std::ptrdiff_t>(series.y.size());
  std::vector<double> means(series.y.size());
  for (std::ptrdiff_t i = 0; i < size; ++i) {
    const std::ptrdiff_t first = i - std::min(half, i),
                         last = std::min(i < half ? 2 * i : i + half, size - 1);
    double sum = 0;
    for (std::ptrdiff_t k = first; k <= last; ++k) sum += series.y[static_cast<std::size_t>(k)];
    means[static_cast<std::size_t>(i)] = sum / static_cast<double>(last - first + 1);
  }
  series.y = std::move(means);
  return series;
}

}  // namespace bitdarts::report
