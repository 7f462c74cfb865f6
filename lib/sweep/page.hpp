#pragma once
#include <map>
#include <string>

#include "report/chart.hpp"
#include "sweep/results.hpp"

namespace bitdarts::sweep {

/// The page about a sweep: what came out and what is missing in words, the front, a table of settings (means
/// over seeds), what was chosen for which kind of layer, a table of tasks. Whole by itself; a click on a
/// column's title sorts, where scripts are allowed.
std::string sweep_page(const Results& results);

/// Perplexity over cost, a point for each setting with its deviation, and the front.
report::Chart front_chart(const Results& results);

/// What came out, in a few sentences; a searched scheme that loses is said to lose.
std::string summary_in_words(const Results& results);

/// The numbers of the page: tasks.csv, a line a task with its settings, results, whether its setting is on
/// the front, and what was chosen for which kind of layer; and settings.csv, a line for tasks that differ in
/// their seed alone: means, deviations, and the comparison with the best rival.
std::map<std::string, std::string> sweep_csv_files(const Results& results);

}  // namespace bitdarts::sweep
