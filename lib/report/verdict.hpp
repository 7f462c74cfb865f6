#pragma once
#include <string>
#include <vector>

#include "report/comparison.hpp"

namespace bitdarts::report {

/// "searched", "sensitivity:w2a4", "best (random:1)": what a row is called.
std::string shown_name(const EvaluatedModel& model);

/// "best rival", where one budget was searched for, "best rival at w2a4, w3a3" where several were, "not
/// comparable", or nothing.
std::string mark_of_row(const Comparison& comparison, std::size_t model);

/// The model's perplexity above that of the searched scheme of its contest, "+6.72% ± 0.31%"; "-" where it
/// cannot stand beside it, empty for the searched scheme itself.
std::string against_searched(const Comparison& comparison, std::size_t model);

/// The verdict on one searched scheme in plain words; one that loses is said to lose.
std::string contest_in_words(const Comparison& comparison, const Contest& contest);
/// What holds for all of them: what ± means, what could not be compared; or that nothing was searched. May be
/// empty.
std::string remarks_in_words(const Comparison& comparison);
/// Every verdict and the remarks, a line each.
std::string verdict_in_words(const Comparison& comparison);

/// The table for a terminal; the best rivals are marked.
TextTable comparison_table(const Comparison& comparison);

}  // namespace bitdarts::report
