#include "report/comparison.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

namespace bitdarts::report {
namespace {

using Role = EvaluatedModel::Role;
using Verdict = Comparison::Verdict;

// What diverged is worse than everything.
double order_of(double perplexity) {
  return std::isfinite(perplexity) ? perplexity : std::numeric_limits<double>::infinity();
}

bool is_quantized(const EvaluatedModel& model) { return model.role != Role::full_precision; }

std::optional<std::size_t> find_opponent(const Comparison& c) {
  const auto cost = [&](std::size_t i) { return c.cost_of(c.models[i]); };
  double lowest = std::numeric_limits<double>::infinity();
  for (const std::size_t i : c.same_or_higher_cost) lowest = std::min(lowest, cost(i));
  std::optional<std::size_t> best;
  for (const std::size_t i : c.same_or_higher_cost) {
    if (cost(i) > lowest * (1 + same_cost)) continue;
    if (!best || order_of(c.models[i].perplexity) < order_of(c.models[*best].perplexity)) best = i;
  }
  return best;
}

void find_rivals(Comparison& c) {
  c.same_or_higher_cost.clear();
  c.cheaper_and_better.clear();
  const EvaluatedModel& searched = c.models[*c.searched];
  const double cost = c.cost_of(searched);
  for (std::size_t i = 0; i < c.models.size(); ++i) {
    const EvaluatedModel& model = c.models[i];
    const bool rival = i != *c.searched && is_quantized(model) && model.incomparable.empty();
    if (!rival || !std::isfinite(c.cost_of(model))) continue;
    const bool not_cheaper = c.cost_of(model) >= cost * (1 - same_cost);
    if (not_cheaper && model.role == Role::uniform) c.same_or_higher_cost.push_back(i);
    // A scheme that is no hand-picked one may cost the same: also then its being better is news.
    const bool at_most_as_dear = c.cost_of(model) <= cost * (1 + same_cost);
    const bool told_by_verdict = not_cheaper && model.role == Role::uniform;
    if (at_most_as_dear && !told_by_verdict && order_of(model.perplexity) < order_of(searched.perplexity))
      c.cheaper_and_better.push_back(i);
  }
}

Verdict judge(const Comparison& c) {
  if (!c.searched) return Verdict::nothing_searched;
  if (!c.opponent) return Verdict::no_opponent;
  const double mine = order_of(c.models[*c.searched].perplexity),
               theirs = order_of(c.models[*c.opponent].perplexity);
  if (mine == theirs) return Verdict::ties;
  return mine < theirs ? Verdict::wins : Verdict::loses;
}

int rank_of(const Comparison& c, std::size_t i) {
  if (c.models[i].role == Role::full_precision) return 0;
  if (c.searched == i) return 1;
  return c.opponent == i ? 2 : 3;
}

void order_models(Comparison& c) {
  std::vector<std::size_t> order(c.models.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  const auto key = [&](std::size_t i) {
    const double cost = c.cost_of(c.models[i]);
    return std::tuple(rank_of(c, i), std::isfinite(cost) ? cost : std::numeric_limits<double>::infinity(),
                      order_of(c.models[i].perplexity), c.models[i].name);
  };
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
  std::vector<EvaluatedModel> sorted;
  std::vector<std::size_t> place(order.size());
  for (std::size_t at = 0; at < order.size(); ++at) {
    place[order[at]] = at;
    sorted.push_back(std::move(c.models[order[at]]));
  }
  c.models = std::move(sorted);
  if (c.searched) c.searched = place[*c.searched];
  if (c.opponent) c.opponent = place[*c.opponent];
  if (c.searched) find_rivals(c);
}

std::string cost_name(const Comparison& c) { return c.by_size ? "size ratio" : "BOPs ratio"; }

std::string with_numbers(const Comparison& c, const EvaluatedModel& model) {
  return model.name + " (perplexity " + fixed(model.perplexity, 3) + ", " + cost_name(c) + " " +
         percent(c.cost_of(model)) + ")";
}

std::string also_better(const Comparison& c) {
  if (c.cheaper_and_better.empty()) return {};
  std::string text = " It is also beaten at the same or lower cost by ";
  if (c.verdict != Verdict::loses) text = " But it is beaten at the same or lower cost by ";
  for (std::size_t k = 0; k < c.cheaper_and_better.size(); ++k)
    text += (k > 0 ? ", " : "") + with_numbers(c, c.models[c.cheaper_and_better[k]]);
  return text + ".";
}

std::string left_out(const Comparison& c) {
  std::string text;
  for (const EvaluatedModel& model : c.models)
    if (!model.incomparable.empty())
      text += " " + model.name + " is not compared: " + model.incomparable + ".";
  return text;
}

}  // namespace

Comparison compare(std::vector<EvaluatedModel> models, bool by_size) {
  Comparison c;
  c.by_size = by_size;
  c.models = std::move(models);
  for (std::size_t i = 0; i < c.models.size() && !c.searched; ++i)
    if (c.models[i].role == Role::searched) c.searched = i;
  if (c.searched) {
    find_rivals(c);
    c.opponent = find_opponent(c);
  }
  order_models(c);
  c.verdict = judge(c);
  return c;
}

std::string verdict_in_words(const Comparison& c) {
  if (c.verdict == Verdict::nothing_searched)
    return "No searched scheme was evaluated: nothing can be compared with the schemes chosen by hand.";
  const EvaluatedModel& searched = c.models[*c.searched];
  if (c.verdict == Verdict::no_opponent) {
    return "The searched scheme has perplexity " + fixed(searched.perplexity, 3) + " at a " + cost_name(c) +
           " of " + percent(c.cost_of(searched)) +
           ". No hand-picked uniform scheme of the same or higher cost was evaluated: whether the search was "
           "worth it is open." +
           also_better(c) + left_out(c);
  }
  const EvaluatedModel& opponent = c.models[*c.opponent];
  const std::string rule = "the best hand-picked uniform scheme at the nearest cost not below its own";
  const std::string change = percent(std::abs(searched.perplexity / opponent.perplexity - 1));
  std::string text;
  if (c.verdict == Verdict::wins) {
    text = "The searched scheme wins: perplexity " + fixed(searched.perplexity, 3) + " at a " + cost_name(c) +
           " of " + percent(c.cost_of(searched)) + ", " + change + " lower than " +
           with_numbers(c, opponent) + ", " + rule + ".";
  } else if (c.verdict == Verdict::loses) {
    text = "The searched scheme LOSES: perplexity " + fixed(searched.perplexity, 3) + " at a " +
           cost_name(c) + " of " + percent(c.cost_of(searched)) + ", " + change + " higher than " +
           with_numbers(c, opponent) + ", " + rule + ".";
  } else {
    text = "The searched scheme does not win: it has the same perplexity as " + with_numbers(c, opponent) +
           ", " + rule + ".";
  }
  return text + also_better(c) + left_out(c);
}

TextTable comparison_table(const Comparison& c) {
  TextTable table{{"scheme", "perplexity", "bits/byte", "bits weights/inputs", "megabytes", "BOPs ratio"},
                  {}};
  const auto bits = [](double value) {
    const std::string text = fixed(value, 2);
    return std::string(text.size() < 5 ? 5 - text.size() : 0, ' ') + text;
  };
  for (std::size_t i = 0; i < c.models.size(); ++i) {
    const EvaluatedModel& m = c.models[i];
    const std::string mark = c.opponent == i          ? "  [best by hand]"
                             : m.incomparable.empty() ? ""
                                                      : "  [not comparable]";
    table.rows.push_back({m.name + mark, fixed(m.perplexity, 3), fixed(m.bits_per_byte, 4),
                          bits(m.weight_bits) + " / " + bits(m.input_bits), fixed(m.model_bytes / 1e6, 3),
                          percent(m.bops_ratio)});
  }
  return table;
}

}  // namespace bitdarts::report
