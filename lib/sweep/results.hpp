#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "quant/scheme.hpp"
#include "report/comparison.hpp"
#include "sweep/statistics.hpp"
#include "sweep/tasks.hpp"

namespace bitdarts::sweep {

/// What is known of one task.
struct TaskResult {
  Task task;
  std::optional<report::EvaluatedModel> model, full_precision;
  std::string pretrained;   ///< content hash of the model before quantization
  quant::Scheme scheme;     ///< empty without a result
  bool has_report = false;  ///< a page of its own, at tasks/ID/report/report.html
  std::string missing;      ///< why there is no result, or why it is left out; empty when there is one
};

/// Tasks that differ in nothing but their seed.
struct Group {
  std::vector<std::pair<std::string, std::string>> settings;  ///< without run.seed
  bool baseline = false;
  std::vector<std::size_t> tasks;  ///< those with a result
  std::size_t all = 0;             ///< those of the sweep
  report::EvaluatedModel mean;     ///< of every number
  Spread perplexity, cost, bits_per_byte, divergence;
  bool on_front = false;
  /// Of a searched line: the rival of any kind that it stands against, the one with the lowest mean
  /// perplexity of those that cost no more than the budget and have a seed in common. Empty when there is
  /// none.
  std::string rival;
  double rival_perplexity = NAN;
  Spread change;              ///< perplexity / the rival's - 1, seed against seed
  double change_error = NAN;  ///< standard error of its mean: over seeds; of one seed alone, over windows
  bool is_searched() const { return !tasks.empty() && mean.role == report::EvaluatedModel::Role::searched; }
  /// Level within two standard errors; meaningless without a rival.
  report::Outcome outcome() const { return report::outcome_of(change.mean, change_error); }
};

/// The model before quantization, once for each way to make it.
struct FullPrecision {
  std::string settings;  ///< of what is swept, where it bears on it; else empty
  Spread perplexity, bits_per_byte;
};

/// A sweep as its report sees it.
struct Results {
  std::string name;
  bool by_size = false;  ///< cost is the size of the weights, not bit operations
  std::vector<std::string> keys;
  std::vector<TaskResult> tasks;
  std::vector<Group> groups;  ///< by rising cost, those without a result last
  std::vector<FullPrecision> full_precision;
  std::vector<std::string> problems;
  double cost_of(const report::EvaluatedModel& model) const {
    return by_size ? model.size_ratio : model.bops_ratio;
  }
};

/// Reads sweep.ini and every task's evaluation.h5. What is missing, damaged, failed, or was made with other
/// options than the sweep has now, has no result and says why. InputError when the folder is no sweep's.
Results load_results(const std::filesystem::path& folder);

/// The strategy that is "the search" of a sweep: darts where a task of the sweep itself has it, else
/// search.strategy of the base configuration.
std::string own_strategy(const std::vector<Task>& tasks, const config::Config& base);

/// What a task's model is in a sweep whose own strategy is `own`: a scheme that another one found is a rival,
/// and called by its strategy and budget.
void take_role(report::EvaluatedModel& model, const std::string& own);

/// Means, deviations, the front and the comparison with the rivals, from the tasks' models.
void aggregate(Results& results);

/// "wins -0.31% ± 0.05%", "LOSES +1.20%", "no difference +0.02% ± 0.10%"; empty when there is nothing to
/// stand against. ± is the standard deviation over seeds, of one seed the standard error over windows.
std::string verdict_of(const Group& group);

/// "w3a4 lsq-only": the values of the settings.
std::string label_of(const Group& group);

}  // namespace bitdarts::sweep
