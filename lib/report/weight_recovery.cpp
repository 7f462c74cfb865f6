#include "report/weight_recovery.hpp"

#include <algorithm>

#include "config/scheme_word.hpp"

namespace bitdarts::report {

using namespace products;
namespace {

std::string strategy_of(const Product& searched) {
  return searched.file.text_attribute("/search", "strategy").value_or("darts");
}

// NaN where the search was made before there was such an option, or by a version that cannot be read.
double recovery_of(const Product& searched) {
  const auto config = configuration_of(searched);
  if (!config || searched.provenance.configuration.find("\nweight_recovery") == std::string::npos) return NAN;
  return config::weight_recovery(config->search);
}

bool weighs_candidates(const std::string& strategy) {
  return strategy == "darts" || strategy == "sensitivity" || strategy == "fisher";
}

}  // namespace

std::string recovery_in_words(const Products& products, const Comparison& c) {
  if (!products.searched || !c.searched || !weighs_candidates(strategy_of(*products.searched))) return {};
  const double mine = recovery_of(*products.searched);
  std::string others;
  for (const Baseline& baseline : products.baselines) {
    if (!baseline.searched) continue;
    const std::string strategy = strategy_of(*baseline.searched);
    const bool in_the_table = std::any_of(c.models.begin(), c.models.end(), [&](const EvaluatedModel& m) {
      return m.role == EvaluatedModel::Role::rival && m.incomparable.empty() && m.strategy == strategy;
    });
    const double theirs = recovery_of(*baseline.searched);
    if (!in_the_table || !weighs_candidates(strategy) || !(std::abs(theirs - mine) > 0)) continue;
    others += (others.empty() ? "" : ", ") + strategy + " with " + significant(theirs, 6);
  }
  if (others.empty()) return {};
  return "The searched scheme was found with search.weight_recovery = " + significant(mine, 6) + ", " +
         others + ": give the rivals the same with --search.weight_recovery=" + significant(mine, 6) + ".";
}

}  // namespace bitdarts::report
