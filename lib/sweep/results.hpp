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
  /// The scheme chosen by hand that it stands against; see report::compare. Empty without a common seed.
  std::string by_hand;
  double by_hand_perplexity = NAN;
  Spread change;  ///< perplexity / by_hand's - 1, seed against seed
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

/// Means, deviations, the front and the comparison with schemes chosen by hand, from the tasks' models.
void aggregate(Results& results);

/// "wins -0.31% ± 0.05%", "LOSES +1.20%", "ties 0.00%"; empty when there is nothing to stand against.
std::string verdict_of(const Group& group);

/// "w3a4 lsq-only": the values of the settings.
std::string label_of(const Group& group);

}  // namespace bitdarts::sweep
