#include "report/comparison.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

namespace bitdarts::report {
namespace {

using Role = EvaluatedModel::Role;
using Verdict = Contest::Verdict;

constexpr double infinity = std::numeric_limits<double>::infinity();

// What is not known, or diverged, comes after everything.
double order_of(double number) { return std::isfinite(number) ? number : infinity; }

Verdict verdict_on(const Difference& difference) {
  switch (outcome_of(difference.mean, difference.error)) {
    case Outcome::better:
      return Verdict::wins;
    case Outcome::level:
      return Verdict::no_difference;
    case Outcome::worse:
      return Verdict::loses;
  }
  return Verdict::no_difference;
}

Contest contest_for(const Comparison& c, std::size_t searched) {
  const EvaluatedModel& mine = c.models[searched];
  Contest contest{.searched = searched,
                  .rival = std::nullopt,
                  .allowance = std::fmax(mine.budget_ratio, c.cost_of(mine))};
  const auto key = [&](std::size_t i) {
    const EvaluatedModel& model = c.models[i];
    return std::tuple(order_of(model.perplexity), c.cost_of(model), model.name);
  };
  for (std::size_t i = 0; i < c.models.size(); ++i) {
    const EvaluatedModel& model = c.models[i];
    const bool within = c.cost_of(model) <= contest.allowance * (1 + same_cost);  // false for NaN
    if (model.role != Role::rival || !model.incomparable.empty() || !within) continue;
    contest.rivals.push_back(i);
    if (!contest.rival || key(i) < key(*contest.rival)) contest.rival = i;
  }
  if (!contest.rival) return contest;
  contest.difference = difference_between(mine, c.models[*contest.rival]);
  contest.verdict = verdict_on(contest.difference);
  return contest;
}

void find_contests(Comparison& c) {
  c.contests.clear();
  for (std::size_t i = 0; i < c.models.size(); ++i)
    if (c.models[i].role == Role::searched && c.models[i].incomparable.empty())
      c.contests.push_back(contest_for(c, i));
  std::stable_sort(c.contests.begin(), c.contests.end(), [](const Contest& a, const Contest& b) {
    return order_of(a.allowance) < order_of(b.allowance);
  });
}

// Where each model stands in the table.
std::vector<std::size_t> table_order(const Comparison& c) {
  std::vector<std::size_t> order, rest;
  const auto place = [&](std::size_t i) {
    if (std::find(order.begin(), order.end(), i) == order.end()) order.push_back(i);
  };
  for (const Role role : {Role::full_precision, Role::chosen})
    for (std::size_t i = 0; i < c.models.size(); ++i)
      if (c.models[i].role == role) place(i);
  for (const Contest& contest : c.contests) {
    place(contest.searched);
    if (contest.rival) place(*contest.rival);
  }
  for (std::size_t i = 0; i < c.models.size(); ++i) rest.push_back(i);
  const auto key = [&](std::size_t i) {
    const EvaluatedModel& model = c.models[i];
    return std::tuple(order_of(c.cost_of(model)), order_of(model.perplexity), model.name);
  };
  std::stable_sort(rest.begin(), rest.end(), [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
  for (const std::size_t i : rest) place(i);
  return order;
}

void order_models(Comparison& c) {
  std::vector<EvaluatedModel> sorted;
  std::optional<std::size_t> searched;
  for (const std::size_t i : table_order(c)) {
    if (c.searched == i) searched = sorted.size();
    sorted.push_back(std::move(c.models[i]));
  }
  c.models = std::move(sorted);
  c.searched = searched;
}

}  // namespace

Difference difference_between(const EvaluatedModel& a, const EvaluatedModel& b) {
  const bool known = std::isfinite(a.perplexity), other_known = std::isfinite(b.perplexity);
  if (!known || !other_known) return {.mean = known == other_known ? 0 : known ? -infinity : infinity};
  const Difference paired = paired_difference(a.windows, b.windows);
  if (std::isfinite(paired.mean)) return paired;
  return {.mean = std::log(a.perplexity / b.perplexity)};
}

const Contest* Comparison::contest_of(std::size_t model) const {
  if (contests.empty()) return nullptr;
  const EvaluatedModel& m = models[model];
  const auto find = [&](auto&& fits) {
    const auto found = std::find_if(contests.begin(), contests.end(), fits);
    return found == contests.end() ? nullptr : &*found;
  };
  if (m.role == EvaluatedModel::Role::full_precision || m.role == EvaluatedModel::Role::searched)
    if (const auto* own = find([&](const Contest& contest) {
          return contest.searched == (m.role == EvaluatedModel::Role::searched ? model : searched);
        }))
      return own;
  if (!m.budget.empty())
    if (const auto* own =
            find([&](const Contest& contest) { return models[contest.searched].budget == m.budget; }))
      return own;
  if (const auto* fits =
          find([&](const Contest& contest) { return cost_of(m) <= contest.allowance * (1 + same_cost); }))
    return fits;
  return &contests.back();
}

Comparison compare(std::vector<EvaluatedModel> models, bool by_size) {
  Comparison c;
  c.by_size = by_size;
  c.models = std::move(models);
  for (std::size_t i = 0; i < c.models.size() && !c.searched; ++i)
    if (c.models[i].role == Role::searched) c.searched = i;
  find_contests(c);
  order_models(c);
  find_contests(c);  // their indices, in the new order
  return c;
}

}  // namespace bitdarts::report
