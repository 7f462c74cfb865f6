#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "report/chart_layout.hpp"
#include "report/charts.hpp"
#include "report/model_marks.hpp"
#include "report/verdict.hpp"

namespace bitdarts::report {
namespace {

using Role = EvaluatedModel::Role;
using Style = Series::Style;

// The mark says the method, and the key the strategy: what is left is the widths or the budget.
std::string label_of(const EvaluatedModel& model) {
  if (model.name.starts_with("uniform:")) return model.name.substr(model.name.rfind(':') + 1);
  return shown_name(model);
}

bool is_point(const Comparison& c, const EvaluatedModel& model) {
  return model.role != Role::full_precision && std::isfinite(model.perplexity) && c.cost_of(model) > 0;
}

// What was chosen is one of the others: it needs no second point where that one is there too.
bool has_twin(const Comparison& c, const EvaluatedModel& model) {
  return model.role == Role::chosen && std::any_of(c.models.begin(), c.models.end(), [&](const auto& other) {
           return other.role != Role::chosen && other.perplexity == model.perplexity &&
                  c.cost_of(other) == c.cost_of(model);
         });
}

// (cost in per cent, perplexity) of those that `wanted` takes, by rising cost.
template <class Wanted>
std::vector<std::pair<double, double>> by_cost(const Comparison& c, Wanted&& wanted) {
  std::vector<std::pair<double, double>> points;
  for (const EvaluatedModel& model : c.models)
    if (is_point(c, model) && model.incomparable.empty() && wanted(model))
      points.emplace_back(100 * c.cost_of(model), model.perplexity);
  std::sort(points.begin(), points.end());
  return points;
}

// What a search at a cost has to beat: the lowest perplexity of all rivals that cost no more.
Series stair_of_rivals(const Comparison& c, double right) {
  Series stair{"best rival at this cost or below", {}, {}, Ink::grey, Style::dotted};
  const auto add = [&](double x, double y) {
    stair.x.push_back(x);
    stair.y.push_back(y);
  };
  for (const auto& [cost, perplexity] : by_cost(c, [](const auto& m) { return m.role == Role::rival; })) {
    if (!stair.y.empty() && perplexity >= stair.y.back()) continue;
    if (!stair.y.empty()) add(cost, stair.y.back());
    add(cost, perplexity);
  }
  if (!stair.y.empty()) add(right, stair.y.back());
  return stair;
}

Series line_of_searches(const Comparison& c) {
  Series line{"", {}, {}, Ink::red, Style::line};
  for (const auto& [cost, perplexity] : by_cost(c, [](const auto& m) { return m.role == Role::searched; })) {
    line.x.push_back(cost);
    line.y.push_back(perplexity);
  }
  return line;
}

}  // namespace

Chart comparison_chart(const Comparison& c) {
  Chart chart = cost_chart("comparison-chart", c.by_size, 860, 420);
  std::vector<ChartPoint> points;
  double low = std::numeric_limits<double>::infinity(), high = 0, left = low, right = 0;
  for (std::size_t i = 0; i < c.models.size(); ++i) {
    const EvaluatedModel& model = c.models[i];
    if (!std::isfinite(model.perplexity)) continue;
    low = std::min(low, model.perplexity);
    high = std::max(high, model.perplexity);
    if (!is_point(c, model) || has_twin(c, model)) continue;
    points.push_back({i, 100 * c.cost_of(model), model.perplexity});
    left = std::min(left, points.back().x);
    right = std::max(right, points.back().x);
  }
  if (points.empty()) return chart;
  left /= 1.25;
  right *= 1.45;  // room for the names
  set_axes(chart, left, right, low, high);
  for (const EvaluatedModel& model : c.models)
    if (model.role == Role::full_precision)
      chart.series.push_back(
          {"full precision", {left, right}, {model.perplexity, model.perplexity}, Ink::grey, Style::dashed});
  chart.series.push_back(stair_of_rivals(c, right));
  if (Series line = line_of_searches(c); line.x.size() > 1) chart.series.push_back(std::move(line));
  for (const ModelMark& mark : model_marks()) {
    Series series{mark.name, {}, {}, mark.ink, Style::points, mark.shape};
    for (const ChartPoint& point : points) {
      if (&mark_of(c.models[point.item]) != &mark) continue;
      series.x.push_back(point.x);
      series.y.push_back(point.y);
    }
    if (!series.x.empty()) chart.series.push_back(std::move(series));
  }
  // A label takes about 14 of the 300 pixels of the axis, and 60 of the 780 across.
  const auto heights =
      label_heights(points, 0.1 * std::log(right / left), 14.0 / 300 * (chart.y_high - chart.y_low));
  for (const ChartPoint& point : points) {
    const EvaluatedModel& model = c.models[point.item];
    chart.labels.push_back({point.x, heights[point.item], label_of(model), mark_of(model).ink, false});
  }
  return chart;
}

}  // namespace bitdarts::report
