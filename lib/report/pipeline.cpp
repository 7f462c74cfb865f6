#include "report/pipeline.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "config/scheme_word.hpp"
#include "core/error.hpp"

namespace bitdarts::report {
namespace {

using config::SchemeWord;

constexpr std::array<const char*, 6> order{"tokenize", "pretrain", "search",
                                           "finetune", "evaluate", "report"};

std::size_t position_of(const std::string& stage) {
  const auto* const found = std::find(order.begin(), order.end(), stage);
  if (found == order.end())
    throw ConfigError("no stage is called " + stage, "", "tokenize pretrain search finetune evaluate report");
  return static_cast<std::size_t>(found - order.begin());
}

class Steps {
 public:
  Steps(const config::Config& config, const std::string& from, const std::string& to)
      : config_(config), first_(position_of(from)), last_(position_of(to)) {
    if (first_ > last_) throw ConfigError("--from " + from + " comes after --to " + to);
  }

  void chain() {
    for (const char* stage : {"tokenize", "pretrain", "search"}) add(stage, "", config_, {});
  }
  void own_scheme() {
    search_for(config_.finetune.scheme);
    for (const char* stage : {"finetune", "evaluate"}) add(stage, "", config_, {});
  }
  void baseline(const std::string& scheme) {
    search_for(scheme);
    for (const char* stage : {"finetune", "evaluate"})
      add(stage, "-" + config::baseline_folder(scheme), config::baseline_config(config_, scheme),
          config::baseline_arguments(config_, scheme));
  }
  std::vector<Step> all() && { return std::move(steps_); }

 private:
  // All schemes of a strategy are of one search.
  void search_for(const std::string& scheme) {
    const SchemeWord word = config::read_scheme_word(scheme);
    if (word.kind != SchemeWord::Kind::strategy) return;
    const std::string name = config::to_text(word.strategy);
    if (!searched_.insert(name).second) return;
    add("search", "-" + config::baseline_folder(name), config::strategy_config(config_, word.strategy),
        config::strategy_arguments(config_, word.strategy));
  }

  void add(const std::string& stage, const std::string& suffix, const config::Config& config,
           std::vector<std::string> arguments) {
    const std::size_t position = position_of(stage);
    if (position < first_ || position > last_) return;
    steps_.push_back({stage + suffix, stage, config, std::move(arguments)});
  }

  const config::Config& config_;
  std::size_t first_, last_;
  std::set<std::string> searched_;
  std::vector<Step> steps_;
};

}  // namespace

std::vector<Step> pipeline_steps(const config::Config& config, const std::string& from,
                                 const std::string& to) {
  const bool best = config::read_scheme_word(config.finetune.scheme).kind == SchemeWord::Kind::best;
  Steps steps(config, from, to);
  steps.chain();
  if (!best) steps.own_scheme();
  for (const std::string& scheme : config::baselines_of(config)) steps.baseline(scheme);
  if (best) steps.own_scheme();
  return std::move(steps).all();
}

}  // namespace bitdarts::report
