// What the comparison found, in words and as a table for a terminal.
#include "report/verdict.hpp"

#include <algorithm>

#include "report/measures.hpp"

namespace bitdarts::report {
namespace {

using Role = EvaluatedModel::Role;
using Verdict = Contest::Verdict;

std::string cost_name(const Comparison& c) { return c.by_size ? "size ratio" : "BOPs ratio"; }

std::string numbers_of(const Comparison& c, const EvaluatedModel& model) {
  return "perplexity " + fixed(model.perplexity, 3) + ", " + cost_name(c) + " " +
         percent(c.cost_of(model), 3);
}

std::string with_numbers(const Comparison& c, const EvaluatedModel& model) {
  return shown_name(model) + " (" + numbers_of(c, model) + ")";
}

std::string label_of(const Comparison& c, const Contest& contest) {
  const std::string& budget = c.models[contest.searched].budget;
  return budget.empty() ? percent(contest.allowance, 3) : budget;
}

// "within its budget of w3a3 (0.879%)".
std::string reach_in_words(const Comparison& c, const Contest& contest) {
  const EvaluatedModel& searched = c.models[contest.searched];
  if (!(searched.budget_ratio >= contest.allowance)) return "at its cost or below";
  const std::string cost = percent(searched.budget_ratio, 3);
  return "within its budget of " + (searched.budget.empty() ? cost : searched.budget + " (" + cost + ")");
}

std::string place_of(const Comparison& c, const Contest& contest) {
  return (contest.rivals.size() == 1 ? "the one rival "
                                     : "the best of " + std::to_string(contest.rivals.size()) + " rivals ") +
         reach_in_words(c, contest);
}

// "6.72% ± 0.31% lower".
std::string change_of(const Difference& difference) {
  if (!std::isfinite(difference.mean)) return difference.mean < 0 ? "lower" : "higher";
  std::string text = percent(std::abs(difference.change()));
  if (std::isfinite(difference.error)) text += " ± " + percent(difference.change_error());
  return text + (difference.mean < 0 ? " lower" : " higher");
}

bool has_error(const Contest& contest) { return std::isfinite(contest.difference.error); }

std::string left_out(const Comparison& c) {
  std::string text;
  for (const EvaluatedModel& model : c.models)
    if (!model.incomparable.empty())
      text += (text.empty() ? "" : " ") + shown_name(model) + " is not compared: " + model.incomparable + ".";
  return text;
}

}  // namespace

std::string shown_name(const EvaluatedModel& model) {
  return model.chosen.empty() ? model.name : model.name + " (" + model.chosen + ")";
}

std::string mark_of_row(const Comparison& c, std::size_t model) {
  if (!c.models[model].incomparable.empty()) return "not comparable";
  std::string budgets;
  for (const Contest& contest : c.contests)
    if (contest.rival == model) budgets += (budgets.empty() ? "" : ", ") + label_of(c, contest);
  if (budgets.empty()) return {};
  return c.contests.size() == 1 ? "best rival" : "best rival at " + budgets;
}

std::string against_searched(const Comparison& c, std::size_t model) {
  const Contest* contest = c.contest_of(model);
  if (contest == nullptr || !c.models[model].incomparable.empty()) return "-";
  if (contest->searched == model) return {};
  const Difference difference = difference_between(c.models[model], c.models[contest->searched]);
  return change_in_words(difference.change(), difference.change_error());
}

std::string contest_in_words(const Comparison& c, const Contest& contest) {
  const EvaluatedModel& searched = c.models[contest.searched];
  const bool several = c.contests.size() > 1;
  const std::string subject =
      several ? "At " + label_of(c, contest) + " the searched scheme" : "The searched scheme";
  if (!contest.rival) {
    return subject + " has " + numbers_of(c, searched) + ". No rival " + reach_in_words(c, contest) +
           " was evaluated: whether the search was worth it is open.";
  }
  const std::string rival = with_numbers(c, c.models[*contest.rival]) + ", " + place_of(c, contest);
  const Difference& difference = contest.difference;
  std::string text;
  if (contest.verdict == Verdict::no_difference) {
    text =
        (several ? "At " + label_of(c, contest) + " there is no difference" : std::string("No difference")) +
        ": the searched scheme has " + numbers_of(c, searched) + ", " +
        change_in_words(difference.change(), difference.change_error()) + " against " + rival +
        (has_error(contest) ? "; that is within two standard errors." : ".");
  } else {
    text = subject + (contest.verdict == Verdict::wins ? " wins: " : " LOSES: ") + numbers_of(c, searched) +
           ", " + change_of(difference) + " than " + rival + ".";
  }
  if (has_error(contest)) return text;
  return text +
         " How much of that is chance is not known: the losses of single windows are not there to be paired.";
}

std::string remarks_in_words(const Comparison& c) {
  if (c.contests.empty()) {
    const std::string others = left_out(c);
    return "No searched scheme was evaluated: there is nothing to compare the other schemes with." +
           (others.empty() ? "" : " " + others);
  }
  std::string text;
  for (const Contest& contest : c.contests) {
    if (!has_error(contest)) continue;
    text = "± is the standard error of the paired differences over " +
           grouped(static_cast<std::int64_t>(contest.difference.windows)) + " windows of the test part.";
    break;
  }
  for (const std::string& more : {c.recovery, left_out(c)})
    text += (text.empty() || more.empty() ? "" : " ") + more;
  return text;
}

std::string verdict_in_words(const Comparison& c) {
  std::string text;
  for (const Contest& contest : c.contests) text += contest_in_words(c, contest) + "\n";
  text += remarks_in_words(c);
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

TextTable comparison_table(const Comparison& c) {
  using M = EvaluatedModel;
  // A terminal is narrow: shorter titles, and two numbers in one column.
  TextTable table{{"scheme", "perplexity", "against searched", "bits/byte", "bits weights/inputs",
                   "megabytes", "BOPs ratio", "with head"},
                  {}};
  for (std::size_t i = 0; i < c.models.size(); ++i) {
    const EvaluatedModel& m = c.models[i];
    const auto shown = [&](double M::*value) { return measure_of(value).shown(m); };
    const auto bits = [&](double M::*value) {
      const std::string text = shown(value);
      return std::string(text.size() < 5 ? 5 - text.size() : 0, ' ') + text;
    };
    const std::string mark = mark_of_row(c, i);
    table.rows.push_back({shown_name(m) + (mark.empty() ? "" : "  [" + mark + "]"), shown(&M::perplexity),
                          against_searched(c, i), shown(&M::bits_per_byte),
                          bits(&M::weight_bits) + " / " + bits(&M::input_bits), shown(&M::model_bytes),
                          shown(&M::bops_ratio), shown(&M::bops_ratio_all)});
  }
  return table;
}

}  // namespace bitdarts::report
