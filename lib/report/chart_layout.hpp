#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "report/chart.hpp"

namespace bitdarts::report {

/// Item number `item` of a list at (x, y) of a chart with a logarithmic x axis.
struct ChartPoint {
  std::size_t item;
  double x, y;
};

/// How high the label of each item stands: those of points that lie closer than `x_near` (in log x) are moved
/// apart by `y_distance`, upwards from the lowest.
std::vector<double> label_heights(std::vector<ChartPoint> points, double x_near, double y_distance);

/// 1, 2, 5, 10, ... between two numbers; closer ones where these are few.
std::vector<double> log_ticks(double low, double high);

/// An empty chart of test perplexity over cost in per cent, of the size or of the bit operations.
Chart cost_chart(const std::string& name, bool by_size, int width, int height);
/// Its axes around what is shown, x from `left` to `right` and y with room above and below [low, high].
void set_axes(Chart& chart, double left, double right, double low, double high);

}  // namespace bitdarts::report
