// From the results of tasks to those of settings.
#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "config/scheme_word.hpp"
#include "report/format.hpp"
#include "report/measures.hpp"
#include "sweep/results.hpp"

namespace bitdarts::sweep {
namespace {

using report::EvaluatedModel;
using Settings = std::vector<std::pair<std::string, std::string>>;

constexpr const char* seed_key = "run.seed";
constexpr double infinity = std::numeric_limits<double>::infinity();

Settings without_seed(Settings settings) {
  std::erase_if(settings, [](const auto& setting) { return setting.first == seed_key; });
  return settings;
}

// Does it bear on the model before quantization, and on how that is measured?
bool before_quantization(const std::string& key) {
  for (const char* section : {"data.", "tokenizer.", "model.", "pretrain.", "evaluate.", "run."})
    if (key.starts_with(section)) return key != seed_key;
  return false;
}

std::string words_of(const Settings& settings) {
  std::string words;
  for (const auto& [key, value] : settings) words += (words.empty() ? "" : ", ") + key + " = " + value;
  return words;
}

Spread spread_in(const Results& results, const Group& group, double EvaluatedModel::*number) {
  std::vector<double> values;
  for (const std::size_t i : group.tasks) values.push_back((*results.tasks[i].model).*number);
  return spread_of(values);
}

std::vector<Group> grouped(const Results& results) {
  std::vector<Group> groups;
  for (std::size_t i = 0; i < results.tasks.size(); ++i) {
    const Task& task = results.tasks[i].task;
    const Settings settings = without_seed(task.settings);
    auto group = std::find_if(groups.begin(), groups.end(), [&](const Group& one) {
      return one.settings == settings && one.baseline == task.baseline;
    });
    if (group == groups.end()) {
      Group fresh;
      fresh.settings = settings;
      fresh.baseline = task.baseline;
      group = groups.insert(groups.end(), std::move(fresh));
    }
    ++group->all;
    if (results.tasks[i].model) group->tasks.push_back(i);
  }
  return groups;
}

void summarise(const Results& results, Group& group) {
  if (group.tasks.empty()) return;
  group.mean = *results.tasks[group.tasks.front()].model;  // its name and role
  group.mean.windows = {};
  const auto take_mean = [&](double EvaluatedModel::*number) {
    group.mean.*number = spread_in(results, group, number).mean;
  };
  for (const report::Measure& measure : report::measures()) take_mean(measure.value);
  take_mean(&EvaluatedModel::budget_ratio);
  group.perplexity = spread_in(results, group, &EvaluatedModel::perplexity);
  group.bits_per_byte = spread_in(results, group, &EvaluatedModel::bits_per_byte);
  group.divergence = spread_in(results, group, &EvaluatedModel::kl_divergence);
  group.cost =
      spread_in(results, group, results.by_size ? &EvaluatedModel::size_ratio : &EvaluatedModel::bops_ratio);
}

// What both sweep has the same value in both; what a rival is, and at which budget, is its own affair.
bool agree(const Group& a, const Group& b) {
  const auto free = [](const std::string& key) {
    return key == "finetune.scheme" || key == "search.strategy" || key == "search.budget";
  };
  for (const auto& [key, value] : a.settings)
    for (const auto& [other_key, other] : b.settings)
      if (key == other_key && !free(key) && value != other) return false;
  return true;
}

std::string seed_of(const Results& results, std::size_t task) {
  return value_of(results.tasks[task].task, seed_key);
}

// Seeds differ more from each other than schemes do: the same seed is compared with itself.
struct Change {
  Spread spread;
  double error = NAN;
};
Change change_against(const Results& results, const Group& group, const Group& other) {
  std::vector<double> changes;
  double over_windows = NAN;
  for (const std::size_t mine : group.tasks)
    for (const std::size_t theirs : other.tasks) {
      if (seed_of(results, mine) != seed_of(results, theirs)) continue;
      const auto difference =
          report::difference_between(*results.tasks[mine].model, *results.tasks[theirs].model);
      changes.push_back(difference.change());
      over_windows = difference.change_error();
    }
  Change change{.spread = spread_of(changes)};
  change.error = change.spread.count == 1
                     ? over_windows
                     : change.spread.deviation / std::sqrt(static_cast<double>(change.spread.count));
  return change;
}

// The rule of report::compare, over means.
void stand_against_rivals(const Results& results, Group& group) {
  const double allowance = std::fmax(group.mean.budget_ratio, group.cost.mean);
  for (const Group& other : results.groups) {
    const bool rival = !other.tasks.empty() && other.mean.role == EvaluatedModel::Role::rival;
    const bool within = other.cost.mean <= allowance * (1 + report::same_cost);
    const bool better = other.perplexity.mean < std::fmin(group.rival_perplexity, infinity);
    if (!rival || !within || !better || !agree(group, other)) continue;
    const Change change = change_against(results, group, other);
    if (change.spread.count == 0) continue;
    group.rival = other.mean.name;
    group.rival_perplexity = other.perplexity.mean;
    group.change = change.spread;
    group.change_error = change.error;
  }
}

// A mean over fewer seeds than it is to have can be good by chance: that of a line with runs missing is on no
// front.
void find_front(Results& results) {
  std::vector<CostPoint> points;
  for (const Group& group : results.groups) {
    const bool whole = group.tasks.size() == group.all;
    points.push_back({whole ? group.cost.mean : NAN, group.perplexity.mean});
  }
  for (const std::size_t i : pareto_front(points)) results.groups[i].on_front = true;
}

void find_full_precision(Results& results) {
  struct Models {
    std::string way;
    std::set<std::string> seen;  // one model is evaluated beside many schemes
    std::vector<double> perplexities, bits;
  };
  std::vector<Models> ways;
  for (const TaskResult& result : results.tasks) {
    if (!result.full_precision) continue;
    Settings settings = result.task.settings;
    std::erase_if(settings, [](const auto& setting) { return !before_quantization(setting.first); });
    const std::string words = words_of(settings);
    auto way = std::find_if(ways.begin(), ways.end(), [&](const Models& one) { return one.way == words; });
    if (way == ways.end()) way = ways.insert(ways.end(), Models{words, {}, {}, {}});
    if (!way->seen.insert(result.pretrained).second) continue;
    way->perplexities.push_back(result.full_precision->perplexity);
    way->bits.push_back(result.full_precision->bits_per_byte);
  }
  for (const Models& way : ways)
    results.full_precision.push_back({way.way, spread_of(way.perplexities), spread_of(way.bits)});
}

}  // namespace

void aggregate(Results& results) {
  results.groups = grouped(results);
  for (Group& group : results.groups) summarise(results, group);
  const auto order = [](const Group& group) {
    return std::isfinite(group.cost.mean) ? group.cost.mean : infinity;
  };
  std::stable_sort(results.groups.begin(), results.groups.end(),
                   [&](const Group& a, const Group& b) { return order(a) < order(b); });
  for (Group& group : results.groups)
    if (group.is_searched()) stand_against_rivals(results, group);
  find_front(results);
  find_full_precision(results);
}

std::string own_strategy(const std::vector<Task>& tasks, const config::Config& base) {
  const auto strategy_of = [](const config::Config& config) {
    return config::to_text(config::read_strategy(config.search.strategy).value_or(config::Strategy{}));
  };
  const auto is_darts = [&](const Task& task) {
    return !task.baseline && strategy_of(task.config) == "darts";
  };
  return std::any_of(tasks.begin(), tasks.end(), is_darts) ? "darts" : strategy_of(base);
}

void take_role(EvaluatedModel& model, const std::string& own) {
  // Evaluations of the time before strategies are of the one that there was.
  const std::string strategy = model.strategy.empty() ? "darts" : model.strategy;
  if (model.role != EvaluatedModel::Role::searched || strategy == own) return;
  model.role = EvaluatedModel::Role::rival;
  model.name = strategy + (model.budget.empty() ? "" : ":" + model.budget);
}

std::string verdict_of(const Group& group) {
  if (group.rival.empty()) return {};
  const report::Outcome outcome = group.outcome();
  const double uncertainty =
      std::isfinite(group.change.deviation) ? group.change.deviation : group.change_error;
  return (outcome == report::Outcome::better  ? "wins "
          : outcome == report::Outcome::worse ? "LOSES "
                                              : "no difference ") +
         report::change_in_words(group.change.mean, uncertainty);
}

std::string label_of(const Group& group) {
  std::string label;
  for (const auto& [key, value] : group.settings) label += (label.empty() ? "" : " ") + value;
  return label.empty() ? group.mean.name : label;
}

}  // namespace bitdarts::sweep
