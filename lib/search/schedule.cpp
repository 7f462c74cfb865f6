#include "search/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace bitdarts::search {
namespace {

constexpr double steps_for_another_budget = 0.04;  // share of search.steps

}  // namespace

Schedule::Schedule(const config::SearchOptions& options, double start_ratio, std::vector<double> targets)
    : options_(options) {
  if (targets.empty()) targets.push_back(0);
  std::vector<std::size_t> order(targets.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return targets[a] > targets[b]; });
  for (const std::size_t i : order) {
    if (legs_.empty() || targets[i] < legs_.back().to) {
      Leg leg;
      // The cost cannot be where the target was as long as that lay above the start.
      leg.from = legs_.empty() ? start_ratio : std::min(legs_.back().to, start_ratio);
      leg.to = targets[i];
      legs_.push_back(leg);
    }
    legs_.back().budgets.push_back(i);
  }
  const double further = static_cast<double>(legs_.size() - 1);
  steps_ = static_cast<std::int64_t>(
      std::llround(static_cast<double>(options.steps) * (1 + steps_for_another_budget * further)));

  // The way down in logarithms of the cost; a budget above the start is there from the beginning.
  const auto way = [](const Leg& leg) {
    return leg.to > 0 && leg.from > leg.to ? std::log(leg.from / leg.to) : 0.0;
  };
  double whole_way = 0;
  for (const Leg& leg : legs_) whole_way += way(leg);
  const double time = static_cast<double>(steps_ - options.warmup_steps);
  const double ramps = whole_way > 0 ? options.cost_ramp * time : 0.0;
  const double stay = (time - ramps) / static_cast<double>(legs_.size());
  double now = static_cast<double>(options.warmup_steps);
  for (Leg& leg : legs_) {
    leg.begin = now;
    leg.reached = now + (whole_way > 0 ? ramps * way(leg) / whole_way : 0.0);
    leg.end = now = leg.reached + stay;
  }
  legs_.back().end = std::max(legs_.back().end, static_cast<double>(steps_));
}

const Schedule::Leg& Schedule::leg_at(std::int64_t step) const {
  for (const Leg& leg : legs_)
    if (static_cast<double>(step) < leg.end) return leg;
  return legs_.back();
}

double Schedule::target(std::int64_t step) const {
  const Leg& leg = leg_at(step);
  if (leg.to <= 0 || leg.reached <= leg.begin) return leg.to;
  const double along =
      std::clamp((static_cast<double>(step) - leg.begin) / (leg.reached - leg.begin), 0.0, 1.0);
  return leg.from * std::pow(leg.to / leg.from, along);
}

double Schedule::temperature(std::int64_t step) const {
  const double reached = legs_.back().reached;
  const double rest = std::max(1.0, 0.75 * (static_cast<double>(steps_ - 1) - reached));
  const double along = std::clamp((static_cast<double>(step) - reached) / rest, 0.0, 1.0);
  return options_.temperature * std::pow(options_.final_temperature / options_.temperature, along);
}

double Schedule::alpha_learning_rate(std::int64_t step) const {
  const double settling = 0.25 * std::max(1.0, legs_.back().end - legs_.back().reached);
  const double left = (static_cast<double>(steps_) - static_cast<double>(step)) / std::max(1.0, settling);
  return options_.alpha_learning_rate * temperature(step) / options_.temperature * std::clamp(left, 0.1, 1.0);
}

std::vector<std::size_t> Schedule::ending(std::int64_t step) const {
  std::vector<std::size_t> budgets;
  for (const Leg& leg : legs_) {
    const double now = static_cast<double>(step) + 1;
    const double end = std::max(leg.end, 1.0);  // a leg without length ends with the first step
    const bool ends = &leg == &legs_.back() ? step + 1 == steps_ : now >= end && now - 1 < end;
    if (ends) budgets.insert(budgets.end(), leg.budgets.begin(), leg.budgets.end());
  }
  return budgets;
}

bool Schedule::at_last(std::int64_t step) const { return static_cast<double>(step) >= legs_.back().reached; }

}  // namespace bitdarts::search
