#include "sweep/sweep_report.hpp"

#include <algorithm>
#include <iostream>

#include "core/error.hpp"
#include "report/csv.hpp"
#include "report/format.hpp"
#include "report/measures.hpp"
#include "sweep/choices.hpp"
#include "sweep/manifest.hpp"
#include "sweep/page.hpp"

namespace bitdarts::sweep {
namespace {

namespace fs = std::filesystem;
using report::csv_number;
using report::EvaluatedModel;
using report::fixed;
using report::percent;

std::string value_in(const std::vector<std::pair<std::string, std::string>>& settings,
                     const std::string& key) {
  for (const auto& [name, value] : settings)
    if (name == key) return value;
  return {};
}

bool on_front(const Results& results, std::size_t task) {
  return std::any_of(results.groups.begin(), results.groups.end(), [&](const Group& group) {
    return group.on_front && std::find(group.tasks.begin(), group.tasks.end(), task) != group.tasks.end();
  });
}

// "lsq+:3=1 lsq+:4=3": candidates of one kind of layer, and how many layers took them.
std::string counts_in_words(const std::map<std::string, std::map<std::string, int>>& counts,
                            const std::string& kind) {
  std::string words;
  if (const auto found = counts.find(kind); found != counts.end())
    for (const auto& [candidate, layers] : found->second)
      words += (words.empty() ? "" : " ") + candidate + "=" + std::to_string(layers);
  return words;
}

std::string tasks_csv(const Results& results) {
  std::vector<const quant::Scheme*> schemes;
  for (const TaskResult& result : results.tasks) schemes.push_back(&result.scheme);
  const std::vector<std::string> kinds = choices_of(schemes).kinds;

  std::vector<std::string> header{"id", "name", "kind"};
  header.insert(header.end(), results.keys.begin(), results.keys.end());
  for (const report::Measure& measure : report::measures()) header.push_back(measure.key);
  for (const char* name : {"full_precision_perplexity", "setting_on_front"}) header.emplace_back(name);
  for (const char* tensor : {"weights_", "inputs_"})
    for (const std::string& kind : kinds) header.push_back(tensor + kind);
  header.emplace_back("no_result_because");
  report::Csv csv(header);
  for (std::size_t i = 0; i < results.tasks.size(); ++i) {
    const TaskResult& result = results.tasks[i];
    std::vector<std::string> cells{result.task.id, result.task.name,
                                   result.task.baseline ? "baseline" : "sweep"};
    for (const std::string& key : results.keys) cells.push_back(value_in(result.task.settings, key));
    const EvaluatedModel m = result.model.value_or(EvaluatedModel{});
    const double full = result.full_precision ? result.full_precision->perplexity : NAN;
    for (const report::Measure& measure : report::measures()) cells.push_back(csv_number(measure.of(m)));
    cells.push_back(csv_number(full));
    cells.push_back(result.model ? (on_front(results, i) ? "1" : "0") : "");
    const Choices choices = choices_of({&result.scheme});
    for (const auto* counts : {&choices.weights, &choices.inputs})
      for (const std::string& kind : kinds) cells.push_back(counts_in_words(*counts, kind));
    cells.push_back(result.missing);
    csv.row(cells);
  }
  return csv.text();
}

std::string role_of(const Group& group) {
  return group.tasks.empty() ? "" : group.is_searched() ? "searched" : "rival";
}

std::string outcome_of(const Group& group) {
  if (group.rival.empty()) return {};
  const report::Outcome outcome = group.outcome();
  return outcome == report::Outcome::better  ? "wins"
         : outcome == report::Outcome::worse ? "loses"
                                             : "no difference";
}

std::string settings_csv(const Results& results) {
  std::vector<std::string> header, keys;
  for (const std::string& key : results.keys)
    if (key != "run.seed") keys.push_back(key);
  header = keys;
  for (const char* name : {"kind",
                           "runs",
                           "runs_of",
                           "on_front",
                           "perplexity_mean",
                           "perplexity_sd",
                           "cost_mean",
                           "cost_sd",
                           "bits_per_byte_mean",
                           "bits_per_byte_sd",
                           "kl_divergence_mean",
                           "kl_divergence_sd",
                           "mean_weight_bits",
                           "mean_input_bits",
                           "bops_ratio_all",
                           "role",
                           "best_rival",
                           "best_rival_perplexity",
                           "change_mean",
                           "change_sd",
                           "change_error",
                           "verdict"})
    header.emplace_back(name);
  report::Csv csv(header);
  for (const Group& group : results.groups) {
    std::vector<std::string> cells;
    for (const std::string& key : keys) cells.push_back(value_in(group.settings, key));
    cells.insert(cells.end(), {group.baseline ? "baseline" : "sweep", std::to_string(group.tasks.size()),
                               std::to_string(group.all), group.on_front ? "1" : "0"});
    for (const Spread& spread : {group.perplexity, group.cost, group.bits_per_byte, group.divergence}) {
      cells.push_back(csv_number(spread.mean));
      cells.push_back(csv_number(spread.deviation));
    }
    cells.insert(cells.end(),
                 {csv_number(group.mean.weight_bits), csv_number(group.mean.input_bits),
                  csv_number(group.mean.bops_ratio_all), role_of(group), group.rival,
                  csv_number(group.rival_perplexity), csv_number(group.change.mean),
                  csv_number(group.change.deviation), csv_number(group.change_error), outcome_of(group)});
    csv.row(cells);
  }
  return csv.text();
}

}  // namespace

std::map<std::string, std::string> sweep_csv_files(const Results& results) {
  return {{"tasks.csv", tasks_csv(results)}, {"settings.csv", settings_csv(results)}};
}

std::string summary_in_words(const Results& results) {
  std::size_t done = 0, compared = 0, wins = 0, level = 0, losses = 0, front = 0, rivals_on_front = 0,
              seeds = 0;
  for (const TaskResult& result : results.tasks) done += result.model.has_value();
  const Group* best = nullptr;
  for (const Group& group : results.groups) {
    front += group.on_front;
    rivals_on_front += group.on_front && !group.is_searched();
    seeds = std::max(seeds, group.tasks.size());
    if (!group.rival.empty()) {
      ++compared;
      wins += group.outcome() == report::Outcome::better;
      level += group.outcome() == report::Outcome::level;
      losses += group.outcome() == report::Outcome::worse;
    }
    if (std::isfinite(group.perplexity.mean) &&
        (best == nullptr || group.perplexity.mean < best->perplexity.mean))
      best = &group;
  }
  std::string text =
      std::to_string(done) + " of " + std::to_string(results.tasks.size()) + " tasks have a result.";
  if (best == nullptr) return text;
  text +=
      " " + std::to_string(front) + " of " + std::to_string(results.groups.size()) +
      " settings are on the Pareto front" +
      (rivals_on_front > 0 ? ", " + std::to_string(rivals_on_front) + " of them rivals of the search" : "") +
      ". The lowest perplexity, " + in_words(best->perplexity, 3) + ", is that of " + label_of(*best) +
      " at " + percent(best->cost.mean) + " of the 32-bit cost.";
  if (compared > 0) {
    text += " Against the best rival of any kind within its budget, of " + std::to_string(compared) +
            " searched settings " + std::to_string(wins) + " win, " + std::to_string(level) +
            " make no difference and " + std::to_string(losses) + " LOSE.";
  }
  if (seeds < 3) text += " There are fewer than three seeds: small differences can be chance.";
  return text;
}

std::string settings_table(const Results& results) {
  report::TextTable table{{"setting", "runs", "perplexity", results.by_size ? "size ratio" : "BOPs ratio",
                           "with head", "bits weights/inputs", "front", "against the best rival"},
                          {}};
  for (const Group& group : results.groups) {
    table.rows.push_back(
        {label_of(group), std::to_string(group.tasks.size()) + "/" + std::to_string(group.all),
         in_words(group.perplexity, 3), percent(group.cost.mean, 3), percent(group.mean.bops_ratio_all),
         fixed(group.mean.weight_bits, 2) + " / " + fixed(group.mean.input_bits, 2),
         group.on_front ? "*" : "", group.rival.empty() ? "-" : verdict_of(group) + ", " + group.rival});
  }
  for (const FullPrecision& full : results.full_precision)
    table.rows.push_back({"full precision" + (full.settings.empty() ? "" : " (" + full.settings + ")"),
                          std::to_string(full.perplexity.count), in_words(full.perplexity, 3), "100%", "100%",
                          "32.00 / 32.00", "", "-"});
  return report::aligned(table);
}

int run_sweep_report(const std::vector<std::string>& arguments) {
  if (arguments.size() != 1)
    throw ConfigError("a sweep's report takes its folder alone", arguments.back(),
                      "bitdarts-report SWEEP_DIR");
  const fs::path folder = arguments.front();
  const Results results = load_results(folder);
  for (const auto& [name, text] : sweep_csv_files(results)) write_if_changed(folder / "report" / name, text);
  write_if_changed(folder / "report" / "report.html", sweep_page(results));
  std::cout << settings_table(results) << "\n" << summary_in_words(results) << "\n";
  for (const TaskResult& result : results.tasks)
    if (!result.model) std::cout << result.task.id << ": " << result.missing << "\n";
  for (const std::string& problem : results.problems) std::cerr << "report: warning: " << problem << "\n";
  std::cout << "Report: " << (folder / "report" / "report.html").string() << "\n";
  return 0;
}

}  // namespace bitdarts::sweep
