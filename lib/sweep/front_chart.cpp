#include <algorithm>
#include <limits>

#include "report/chart_layout.hpp"
#include "report/model_marks.hpp"
#include "sweep/page.hpp"

namespace bitdarts::sweep {
namespace {

using report::Chart;
using report::Ink;
using report::Series;
using Style = Series::Style;

constexpr std::size_t most_labels = 24;

// NaN between the bars keeps them apart.
Series deviations(const std::vector<report::ChartPoint>& points, const Results& results) {
  Series bars{"", {}, {}, Ink::grey, Style::line};
  for (const auto& point : points) {
    const double deviation = results.groups[point.item].perplexity.deviation;
    if (!(deviation > 0)) continue;
    for (const double y : {point.y - deviation, point.y + deviation, std::nan("")}) {
      bars.x.push_back(point.x);
      bars.y.push_back(y);
    }
  }
  return bars;
}

Series points_of(const std::vector<report::ChartPoint>& points, const Results& results,
                 const report::ModelMark& mark) {
  Series series{mark.name, {}, {}, mark.ink, Style::points, mark.shape};
  for (const auto& point : points) {
    if (&report::mark_of(results.groups[point.item].mean) != &mark) continue;
    series.x.push_back(point.x);
    series.y.push_back(point.y);
  }
  return series;
}

Series front_of(const std::vector<report::ChartPoint>& points, const Results& results) {
  Series front{"Pareto front", {}, {}, Ink::green, Style::line};
  for (const auto& point : points) {
    if (!results.groups[point.item].on_front) continue;
    front.x.push_back(point.x);
    front.y.push_back(point.y);
  }
  return front;
}

}  // namespace

Chart front_chart(const Results& results) {
  Chart chart = report::cost_chart("front", results.by_size, 1000, 460);
  std::vector<report::ChartPoint> points;  // by rising cost, as the groups are
  double low = std::numeric_limits<double>::infinity(), high = 0, left = low, right = 0;
  const auto reach = [&](const Spread& spread) {
    const double deviation = std::isfinite(spread.deviation) ? spread.deviation : 0;
    low = std::min(low, spread.mean - deviation);
    high = std::max(high, spread.mean + deviation);
  };
  for (std::size_t i = 0; i < results.groups.size(); ++i) {
    const Group& group = results.groups[i];
    if (!std::isfinite(group.perplexity.mean) || !(group.cost.mean > 0)) continue;
    points.push_back({i, 100 * group.cost.mean, group.perplexity.mean});
    reach(group.perplexity);
    left = std::min(left, points.back().x);
    right = std::max(right, points.back().x);
  }
  if (points.empty()) return chart;
  for (const FullPrecision& full : results.full_precision) reach(full.perplexity);
  left /= 1.1;
  right *= 1.35;  // room for the names
  report::set_axes(chart, left, right, low, high);
  for (const FullPrecision& full : results.full_precision)
    chart.series.push_back({"full precision" + (full.settings.empty() ? "" : " (" + full.settings + ")"),
                            {left, right},
                            {full.perplexity.mean, full.perplexity.mean},
                            Ink::grey,
                            Style::dashed});
  Series bars = deviations(points, results);
  if (!bars.x.empty()) {
    bars.name = "± standard deviation over seeds";
    chart.series.push_back(std::move(bars));
  }
  chart.series.push_back(front_of(points, results));
  for (const report::ModelMark& mark : report::model_marks())
    if (Series series = points_of(points, results, mark); !series.x.empty())
      chart.series.push_back(std::move(series));
  // A label takes about 14 of the 380 pixels of the axis, and 90 of the 920 across.
  std::vector<report::ChartPoint> named;
  for (const auto& point : points)
    if (points.size() <= most_labels || results.groups[point.item].on_front) named.push_back(point);
  const auto heights =
      report::label_heights(named, 0.12 * std::log(right / left), 14.0 / 380 * (chart.y_high - chart.y_low));
  for (const auto& point : named) {
    const Group& group = results.groups[point.item];
    chart.labels.push_back(
        {point.x, heights[point.item], label_of(group), report::mark_of(group.mean).ink, false});
  }
  return chart;
}

}  // namespace bitdarts::sweep
