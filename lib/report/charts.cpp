#include "report/charts.hpp"

#include <algorithm>
#include <cmath>

#include "products/stored_scheme.hpp"
#include "store/metrics.hpp"

namespace bitdarts::report {

using namespace products;
namespace {

using Style = Series::Style;

// Enough to see the trend through the noise of batches.
std::size_t window_of(std::size_t points) { return std::max<std::size_t>(1, points / 40); }

class Lines {
 public:
  explicit Lines(const Product& product) : metrics_(store::Metrics::load(product.file)) {}

  Series of(const std::string& group, const std::string& column, const std::string& name, Ink ink,
            Style style = Style::line, double factor = 1) const {
    Series series{name, metrics_.column(group, "step"), metrics_.column(group, column), ink, style};
    for (double& y : series.y) y *= factor;
    return thinned(std::move(series));
  }

  // The raw series as a veil behind its running mean.
  void add_noisy(Chart& chart, const std::string& group, const std::string& column, const std::string& name,
                 Ink ink) const {
    const Series raw{name, metrics_.column(group, "step"), metrics_.column(group, column), ink, Style::line};
    if (raw.y.empty()) return;
    Series veil = thinned(raw);
    veil.name.clear();
    veil.style = Style::faint;
    chart.series.push_back(std::move(veil));
    chart.series.push_back(thinned(smoothed(raw, window_of(raw.y.size()))));
  }

  bool has(const std::string& group, const std::string& column) const {
    return !metrics_.column(group, column).empty();
  }

 private:
  store::Metrics metrics_;
};

Chart steps_chart(const std::string& name, const std::string& title, const std::string& y_label) {
  Chart chart;
  chart.name = name;
  chart.title = title;
  chart.x_label = "step";
  chart.y_label = y_label;
  return chart;
}

void keep(std::vector<Chart>& charts, Chart chart) {
  const bool drawable =
      std::any_of(chart.series.begin(), chart.series.end(), [](const Series& s) { return !s.y.empty(); });
  if (drawable) charts.push_back(std::move(chart));
}

// Losses fall steeply at first: the axis shows all but the highest few percent, where what follows is told
// apart.
void focus(Chart& chart, double share) {
  std::vector<double> values;
  for (const Series& series : chart.series)
    for (const double y : series.y)
      if (std::isfinite(y)) values.push_back(y);
  if (values.size() < 20) return;
  std::sort(values.begin(), values.end());
  const double low = values.front(),
               high = values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
  if (!(high > low)) return;
  chart.y_low = low - 0.05 * (high - low);
  chart.y_high = high + 0.05 * (high - low);
}

Chart training_chart(const Product& product, const std::string& name, const std::string& title,
                     double share) {
  Chart chart = steps_chart(name, title, "loss [nats per token]");
  const Lines lines(product);
  lines.add_noisy(chart, "train", "loss", "training batches", Ink::blue);
  Series validation = lines.of("validation", "loss", "validation", Ink::red);
  chart.series.push_back(std::move(validation));
  focus(chart, share);
  return chart;
}

Chart levels_chart(const Product& searched) {
  Chart chart = steps_chart("search-loss", "Loss of both levels of the search", "loss [nats per token]");
  const Lines lines(searched);
  lines.add_noisy(chart, "inner", "loss", "inner: weights, train part", Ink::blue);
  lines.add_noisy(chart, "search", "outer_loss", "outer: α, search part", Ink::orange);
  focus(chart, 0.995);
  return chart;
}

std::string finetuned_name(const Product& finetuned) {
  return finetuned.file.text_attribute("/finetune", "scheme").value_or("scheme");
}

Chart finetunings_chart(const Products& products) {
  Chart chart =
      steps_chart("finetunings", "Validation loss of all finetunings", "validation loss [nats per token]");
  constexpr Ink inks[] = {Ink::orange, Ink::green, Ink::purple, Ink::red, Ink::grey};
  constexpr Style styles[] = {Style::dashed, Style::dotted};
  std::size_t count = 0;
  for (const Baseline& baseline : products.baselines) {
    if (!baseline.finetuned) continue;
    chart.series.push_back(Lines(*baseline.finetuned)
                               .of("validation", "loss", finetuned_name(*baseline.finetuned),
                                   inks[count % std::size(inks)],
                                   styles[count / std::size(inks) % std::size(styles)]));
    ++count;
  }
  if (count == 0)
    chart.series.clear();
  else if (products.finetuned)
    chart.series.push_back(
        Lines(*products.finetuned).of("validation", "loss", finetuned_name(*products.finetuned), Ink::blue));
  // Names of schemes are long: one line of the key holds two of them.
  chart.height += 18 * static_cast<int>(chart.series.size() / 2);
  return chart;
}

Series level(const std::string& name, double from, double to, double y, Ink ink, Style style) {
  return {name, {from, to}, {y, y}, ink, style};
}

Chart cost_chart(const Product& searched, const Lines& lines) {
  Chart chart = steps_chart("search-cost", "Expected cost against the budget", "share of 32-bit cost");
  chart.from_zero = true;
  chart.y_format = "%g%%";
  Series cost = lines.of("search", "cost", "expected cost", Ink::blue, Style::line, 100);
  Series target = lines.of("search", "target", "target (ramp)", Ink::red, Style::dashed, 100);
  const bool has_target = std::any_of(target.y.begin(), target.y.end(), [](double y) { return y > 0; });
  const double budget = searched.file.double_attribute("/search", "target").value_or(0);
  const double last = cost.x.empty() ? 0 : cost.x.back();
  const auto line = [&](const std::string& name, double share) {
    if (share > 0)
      chart.series.push_back(level("budget " + name, 0, last, 100 * share, Ink::grey, Style::dotted));
  };
  const auto budgets = stored_budgets(searched.file);
  for (const StoredBudget& one : budgets) line(one.text, one.allowed);
  chart.height += 18 * static_cast<int>(budgets.size() / 2);  // their names in the key
  if (budgets.empty()) line(searched.file.text_attribute("/search", "budget").value_or(""), budget);
  if (has_target) chart.series.push_back(std::move(target));
  chart.series.push_back(std::move(cost));
  return chart;
}

// How far from the target. The axis fits the last part, where it matters; the search may start far away.
Chart violation_chart(const Lines& lines) {
  Chart chart = steps_chart("search-violation", "Distance from the target", "cost / target − 1");
  Series violation = lines.of("search", "violation", "cost / target − 1", Ink::blue, Style::line, 100);
  if (violation.x.empty()) return chart;
  const double last = violation.x.back();
  double reach = 8;
  for (std::size_t i = violation.y.size() - violation.y.size() / 3; i < violation.y.size(); ++i)
    if (std::isfinite(violation.y[i])) reach = std::max(reach, 1.1 * std::abs(violation.y[i]));
  chart.y_format = "%g%%";
  chart.y_low = -reach;
  chart.y_high = reach;
  chart.series = {level("2% either side", 0, last, 2, Ink::red, Style::dotted),
                  level("", 0, last, -2, Ink::red, Style::dotted),
                  level("", 0, last, 0, Ink::grey, Style::dashed), std::move(violation)};
  return chart;
}

}  // namespace

std::vector<Chart> loss_charts(const Products& products) {
  std::vector<Chart> charts;
  if (products.pretrained)
    keep(charts, training_chart(*products.pretrained, "pretrain-loss", "Loss of pretraining", 0.97));
  if (products.searched) keep(charts, levels_chart(*products.searched));
  if (products.finetuned)
    keep(charts, training_chart(*products.finetuned, "finetune-loss", "Loss of finetuning", 1.0));
  keep(charts, finetunings_chart(products));
  return charts;
}

std::vector<Chart> search_charts(const Product& searched) {
  const Lines lines(searched);
  std::vector<Chart> charts;
  keep(charts, cost_chart(searched, lines));
  if (searched.file.double_attribute("/search", "target").value_or(0) > 0)
    keep(charts, violation_chart(lines));

  Chart lambda = steps_chart("search-lambda", "The coefficient of the cost", "λ of the cost");
  lambda.series = {lines.of("search", "lambda_cost_integral", "integral part", Ink::grey, Style::dashed),
                   lines.of("search", "lambda_cost", "λ as applied", Ink::blue)};
  lambda.from_zero = true;
  keep(charts, std::move(lambda));

  Chart bits = steps_chart("search-bits", "Expected bits", "expected bits");
  bits.series = {lines.of("search", "expected_weight_bits", "weights", Ink::blue),
                 lines.of("search", "expected_input_bits", "inputs", Ink::orange, Style::dashed)};
  bits.from_zero = true;
  keep(charts, std::move(bits));

  Chart entropy = steps_chart("search-entropy", "How undecided the search is", "mean entropy of p [nats]");
  entropy.series = {lines.of("search", "entropy", "entropy", Ink::purple),
                    lines.of("search", "temperature", "temperature τ", Ink::grey, Style::dotted)};
  entropy.from_zero = true;
  keep(charts, std::move(entropy));

  Chart changes = steps_chart("search-changes", "How often the most probable candidate changes",
                              "changes per step, of all tensors");
  lines.add_noisy(changes, "search", "argmax_changes", "changes of the argmax", Ink::orange);
  changes.from_zero = true;
  keep(charts, std::move(changes));

  Chart error = steps_chart("search-error", "Relative quantization error", "relative error L_err");
  lines.add_noisy(error, "search", "error", "L_err", Ink::green);
  error.from_zero = true;
  keep(charts, std::move(error));

  Chart coefficient =
      steps_chart("search-lambda-error", "The coefficient of the quantization error", "λ of the error");
  coefficient.series = {lines.of("search", "lambda_error", "λ", Ink::green)};
  coefficient.from_zero = true;
  keep(charts, std::move(coefficient));
  return charts;
}

}  // namespace bitdarts::report
