#include "pipeline/steps.hpp"

#include <algorithm>
#include <set>

#include "chain/stages.hpp"
#include "config/nearest.hpp"
#include "config/scheme_word.hpp"
#include "core/error.hpp"
#include "quant/table_syntax.hpp"
#include "stage/descriptions.hpp"

namespace bitdarts::pipeline {
namespace {

using config::SchemeWord;

using Times = chain::Stage::Times;

std::size_t position_of(const std::string& name) {
  const auto names = chain::names_of_steps();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  std::string all;
  for (const std::string& one : names) all += (all.empty() ? "" : " ") + one;
  throw ConfigError("no stage is called " + name, "", config::suggestion(name, names, all));
}

std::vector<std::string> stages_made(Times times) {
  std::vector<std::string> names;
  for (const chain::Stage& stage : chain::stages())
    if (stage.times == times) names.push_back(stage.name);
  return names;
}

class Steps {
 public:
  Steps(const config::Config& config, const std::string& from, const std::string& to)
      : config_(config), first_(position_of(from)), last_(position_of(to)) {
    check_range(from, to);
  }

  void chain() {
    for (const std::string& stage : stages_made(Times::once)) add(stage, "", config_, {});
    for (const std::string& stage : stages_made(Times::per_search))
      if (takes_own_search() || asked_for(position_of(stage))) add(stage, "", config_, {});
  }
  void own_scheme() {
    search_for(config_.finetune.scheme);
    for (const std::string& stage : stages_made(Times::per_scheme)) add(stage, "", config_, {});
  }
  void baseline(const std::string& scheme) {
    search_for(scheme);
    for (const std::string& stage : stages_made(Times::per_scheme))
      add(stage, "-" + config::baseline_folder(scheme), config::baseline_config(config_, scheme),
          config::baseline_arguments(config_, scheme));
  }
  std::vector<Step> all() && { return std::move(steps_); }

 private:
  // Does any finetuning take what search.strategy finds?
  bool takes_own_search() const {
    std::vector<std::string> schemes = config::baselines_of(config_);
    schemes.push_back(config_.finetune.scheme);
    return std::any_of(schemes.begin(), schemes.end(), [&](const std::string& scheme) {
      const auto kind = config::read_scheme_word(scheme).kind;
      return stage::uses_search(config::baseline_config(config_, scheme).finetune) &&
             kind != SchemeWord::Kind::strategy;
    });
  }
  bool asked_for(std::size_t position) const { return position == first_ || position == last_; }

  // All schemes of a strategy are of one search.
  void search_for(const std::string& scheme) {
    const SchemeWord word = config::read_scheme_word(scheme);
    if (word.kind != SchemeWord::Kind::strategy) return;
    const std::string name = config::to_text(word.strategy);
    if (!searched_.insert(name).second) return;
    for (const std::string& stage : stages_made(Times::per_search))
      add(stage, "-" + config::baseline_folder(name), config::strategy_config(config_, word.strategy),
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

void check_range(const std::string& from, const std::string& to) {
  if (position_of(from) > position_of(to)) throw ConfigError("--from " + from + " comes after --to " + to);
}

void check_scheme_file(const std::string& option, const std::string& scheme, bool is_needed_now) {
  if (config::read_scheme_word(scheme).kind != SchemeWord::Kind::file) return;
  // A table may be written after the search; but of a misspelt strategy there would be no search.
  const bool like_a_file = scheme.find_first_of("./") != std::string::npos;
  if (!is_needed_now && (like_a_file || config::nearest_scheme_word(scheme, "").empty())) return;
  config::FinetuneOptions options;
  options.scheme = scheme;
  quant::check_table(stage::scheme_text(options, option), scheme);
}

void check_schemes(const config::Config& config, const std::string& from, const std::string& to) {
  const std::size_t finetune = position_of("finetune");
  const bool finetunes = position_of(from) <= finetune && finetune <= position_of(to);
  check_scheme_file("finetune.scheme", config.finetune.scheme, finetunes);
  const config::Strategy own = config::read_strategy(config.search.strategy).value_or(config::Strategy{});
  for (const std::string& baseline : config.report.baselines) {
    check_scheme_file("report.baselines", baseline, finetunes);
    const SchemeWord word = config::read_scheme_word(baseline, config);
    if (word.kind == SchemeWord::Kind::strategy && config::to_text(word.strategy) == config::to_text(own))
      throw ConfigError(
          baseline + " would be compared with itself: the pipeline's own search is by this strategy",
          "report.baselines; search.strategy = " + config.search.strategy,
          word.budget.empty() ? "leave it out, or set another search.strategy"
                              : "write searched:" + word.budget + ", or set another search.strategy");
  }
}

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

}  // namespace bitdarts::pipeline
