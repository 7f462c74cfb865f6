#include "sweep/results.hpp"

#include <algorithm>
#include <map>
#include <sstream>

#include "chain/stages.hpp"
#include "core/error.hpp"
#include "pipeline/failure.hpp"
#include "products/stored_scheme.hpp"
#include "stage/descriptions.hpp"
#include "store/product.hpp"

namespace bitdarts::sweep {
namespace {

namespace fs = std::filesystem;
using Times = chain::Stage::Times;

// The first of these options that differs, with both values; empty when none does.
std::string different_option(const config::Config& made, const config::Config& wanted,
                             const std::vector<std::string>& sections) {
  std::istringstream want(config::result_options(wanted, sections));
  // What bears on one strategy need not bear on another.
  std::map<std::string, std::string> have;
  std::istringstream lines(config::result_options(made, sections));
  for (std::string line; std::getline(lines, line);) have[line.substr(0, line.find(" = "))] = line;
  for (std::string line; std::getline(want, line);) {
    const std::string name = line.substr(0, line.find(" = "));
    const auto mine = have.find(name);
    if (mine != have.end() && mine->second != line)
      return "made with " + mine->second + ", and the sweep now has " + line.substr(name.size() + 3);
  }
  return {};
}

std::string recorded_hash(const fs::path& path) {
  return store::File::open(path).text_attribute("/provenance", "content_hash").value_or("");
}

// A task's evaluation is there: does the chain before it still lead to it? Says which product does not, and
// why. Reads what products say of themselves, not what they hold.
std::string out_of_date(const fs::path& folder, const config::Config& wanted) {
  std::error_code absent;
  for (const chain::Stage& stage : chain::stages()) {
    if (stage.product.empty() || stage.times == Times::spare) continue;
    const std::string file = chain::file_of(stage);
    if (!fs::exists(folder / file, absent)) {
      if (stage.times == Times::per_search && !stage::uses_search(wanted.finetune)) continue;
      return file + " is not made yet";
    }
    try {
      const auto facts = store::read_provenance(store::File::open(folder / file));
      const auto made = config::from_product(facts.configuration, (folder / file).string());
      if (const auto other = different_option(made, wanted, stage.sections); !other.empty())
        return file + " was " + other;
      for (const store::InputRecord& input : facts.inputs) {
        const fs::path lies = folder / (input.name + ".h5");
        const bool own = input.path == wanted.pretrain.initial;
        if (!own && fs::exists(lies, absent) && recorded_hash(lies) != input.content_hash)
          return file + " was made from another " + input.name + ".h5";
      }
    } catch (const Error& error) {
      return file + " cannot be judged: " +
             std::string(error.what()).substr(0, std::string(error.what()).find('\n'));
    }
  }
  return {};
}

// Why there is no evaluation: the first thing that is not there.
std::string why_missing(const fs::path& folder, const config::Config& wanted) {
  if (const auto failure = pipeline::failure_in(folder))
    return failure->stage + " failed with exit code " + failure->exit_code + ": " + failure->message;
  std::error_code absent;
  for (const chain::Stage& stage : chain::stages()) {
    if (stage.product.empty() || stage.times == Times::spare) continue;
    if (stage.times == Times::per_search && !stage::uses_search(wanted.finetune)) continue;
    if (!fs::exists(folder / chain::file_of(stage), absent))
      return chain::file_of(stage) + " is not made yet (" + stage.name + ")";
  }
  return "not evaluated yet";
}

// What the task's search was allowed, counted as the sweep counts cost; NaN when that is not known.
double allowed_ratio(const fs::path& searched, const std::string& budget, bool by_size) {
  std::error_code absent;
  if (!fs::exists(searched, absent)) return NAN;
  try {
    const auto file = store::File::open(searched);
    const bool same_kind = file.text_attribute("/search", "cost") == (by_size ? "size" : "bops");
    return same_kind ? report::budget_ratio(file, budget) : NAN;
  } catch (const Error&) {  // damaged: its own cost is what is known
    return NAN;
  }
}

TaskResult result_of(const Task& task, const fs::path& folder, const std::string& own, bool by_size,
                     std::vector<std::string>& problems) {
  TaskResult result{
      .task = task, .model = {}, .full_precision = {}, .pretrained = {}, .scheme = {}, .missing = {}};
  std::error_code absent;
  result.has_report = fs::exists(folder / "report" / "report.html", absent);
  std::vector<std::string> damaged;
  const auto evaluation = products::load_product(folder / "evaluation.h5", "evaluate", damaged);
  problems.insert(problems.end(), damaged.begin(), damaged.end());
  if (!evaluation) {
    result.missing = damaged.empty() ? why_missing(folder, task.config) : "its evaluation.h5 is damaged";
    return result;
  }
  if (const std::string why = out_of_date(folder, task.config); !why.empty()) {
    result.missing = "its evaluation is out of date: " + why;
    return result;
  }
  result.model = report::evaluated_model(*evaluation, std::nullopt);
  take_role(*result.model, own);
  if (result.model->role == report::EvaluatedModel::Role::searched)
    result.model->budget_ratio = allowed_ratio(folder / "searched.h5", result.model->budget, by_size);
  result.full_precision = report::full_precision_model(*evaluation);
  result.pretrained = report::input_hash(*evaluation, "pretrained");
  result.scheme = products::read_scheme(evaluation->file);
  return result;
}

std::string name_of(const fs::path& folder) {
  const fs::path path = fs::absolute(folder).lexically_normal();
  return path.has_filename() ? path.filename().string() : path.parent_path().filename().string();
}

}  // namespace

Results load_results(const fs::path& folder) {
  std::error_code absent;
  if (!fs::exists(folder / "sweep.ini", absent))
    throw InputError("this is no folder of a sweep: it has no sweep.ini", folder.string(),
                     "give the --out of bitdarts-sweep; for one run bitdarts-report --out DIR");
  const config::Command command = config::parse("report", {"--config", (folder / "sweep.ini").string()}, {});
  const auto tasks = expand(command.sweep, command.config);
  Results results{.name = name_of(folder),
                  .by_size = command.config.search.cost == "size",
                  .keys = swept_keys(tasks),
                  .tasks = {},
                  .groups = {},
                  .full_precision = {},
                  .problems = {}};
  const std::string own = own_strategy(tasks, command.config);
  for (const Task& task : tasks)
    results.tasks.push_back(
        result_of(task, folder / "tasks" / task.id, own, results.by_size, results.problems));
  aggregate(results);
  return results;
}

}  // namespace bitdarts::sweep
