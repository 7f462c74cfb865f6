#include "report/chart_layout.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace bitdarts::report {

std::vector<double> label_heights(std::vector<ChartPoint> points, double x_near, double y_distance) {
  std::sort(points.begin(), points.end(), [](const ChartPoint& a, const ChartPoint& b) { return a.y < b.y; });
  std::vector<std::pair<ChartPoint, double>> placed;
  for (const ChartPoint& point : points) {
    double height = point.y;
    for (const auto& [other, taken] : placed)
      if (std::abs(std::log(other.x / point.x)) < x_near && height < taken + y_distance)
        height = taken + y_distance;
    placed.emplace_back(point, height);
  }
  std::vector<double> heights;
  for (const auto& [point, height] : placed) {
    if (heights.size() <= point.item) heights.resize(point.item + 1, 0);
    heights[point.item] = height;
  }
  return heights;
}

std::vector<double> log_ticks(double low, double high) {
  const std::vector<std::vector<double>> ladders{
      {1, 2, 5}, {1, 1.5, 2, 3, 4, 5, 6, 8}, {1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9}};
  std::vector<double> ticks;
  for (const auto& ladder : ladders) {
    ticks.clear();
    for (double decade = std::pow(10, std::floor(std::log10(low))); decade <= high; decade *= 10)
      for (const double digit : ladder)
        if (digit * decade >= low && digit * decade <= high) ticks.push_back(digit * decade);
    if (ticks.size() >= 4) break;
  }
  return ticks;
}

Chart cost_chart(const std::string& name, bool by_size, int width, int height) {
  Chart chart;
  chart.name = name;
  chart.title = "Perplexity over cost";
  chart.x_label =
      std::string(by_size ? "size of the quantized weights, of 32 bits" : "bit operations, of 32 x 32 bits") +
      " (log scale)";
  chart.x_format = "%g%%";
  chart.y_label = "test perplexity";
  chart.log_x = true;
  chart.width = width;
  chart.height = height;
  return chart;
}

void set_axes(Chart& chart, double left, double right, double low, double high) {
  const double span = high > low ? high - low : 0.1 * high;
  chart.y_low = low - 0.08 * span;
  chart.y_high = high + 0.12 * span;
  chart.x_low = left;
  chart.x_high = right;
  chart.x_ticks = log_ticks(left, right);
}

}  // namespace bitdarts::report
