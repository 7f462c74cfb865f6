#pragma once
#include <string>
#include <vector>

namespace bitdarts::report {

/// What is drawn in which of the page's colours. Series colours differ in lightness too, and dashes and point
/// shapes tell them apart without any colour.
enum class Ink : int { axis = 1, text, grid, blue, orange, green, red, purple, grey };

/// The CSS variable that stands for colour number `code` of a gnuplot picture (see colour_code in chart.cpp).
std::string css_colour(int code);

struct Series {
  enum class Style { line, faint, dashed, dotted, points };
  std::string name;  ///< in the key; empty: not there
  std::vector<double> x, y;
  Ink ink = Ink::blue;
  Style style = Style::line;
  int point = 7;  ///< gnuplot's shape: 5 square, 7 circle, 9 triangle, 13 diamond
};

/// Text in the picture, left-aligned beside its point (right-aligned when `left` is set).
struct ChartLabel {
  double x = 0, y = 0;
  std::string text;
  Ink ink = Ink::text;
  bool left = false;
};

/// One picture with one pair of axes.
struct Chart {
  std::string name;  ///< unique in the page
  std::string title;
  std::string x_label, y_label;
  std::vector<Series> series{};
  std::vector<ChartLabel> labels{};
  bool log_x = false, log_y = false;
  bool from_zero = false;        ///< the y axis begins at 0
  double y_low = 0, y_high = 0;  ///< the y axis, when different
  double x_low = 0, x_high = 0;
  std::vector<double> x_ticks{};  ///< where numbers stand at the x axis; empty: wherever gnuplot finds good
  std::string x_format{}, y_format{};  ///< of the numbers at the axes, as "%.1f%%"
  int width = 560, height = 280;
};

/// The chart as inline SVG, drawn by gnuplot; empty when no series has a finite point.
std::string draw(const Chart& chart);

/// Every k-th point, such that at most `points` are left; the last one always is.
Series thinned(Series series, std::size_t points = 400);
/// The mean over a window around each point, for what is noisy. At the beginning, where curves are steep, the
/// window shrinks.
Series smoothed(Series series, std::size_t window);

}  // namespace bitdarts::report
