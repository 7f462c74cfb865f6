#include "config/scheme_word.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "chain/places.hpp"
#include "config/nearest.hpp"
#include "config/syntax.hpp"

namespace bitdarts::config {
namespace {

using Kind = SchemeWord::Kind;

using Of = Strategy::Kind;
// Options that only some strategies read, and which. Every strategy reads the others: the candidates and what
// ties them, cost and budget, the calibration, and search.batch, on which the losses beside each scheme are
// measured.
struct Reading {
  const char* option;
  std::vector<Of> strategies;
};
const std::vector<Reading>& readings() {
  static const std::vector<Reading> all{{"search.weight_recovery", {Of::darts, Of::sensitivity, Of::fisher}},
                                        {"search.sensitivity_sequences", {Of::sensitivity}},
                                        {"search.fisher_batches", {Of::fisher}},
                                        {"search.steps", {Of::darts}},
                                        {"search.weights", {Of::darts}},
                                        {"search.order", {Of::darts}},
                                        {"search.quantizer_level", {Of::darts}},
                                        {"search.relaxation", {Of::darts}},
                                        {"search.cost_mode", {Of::darts}},
                                        {"search.cost_weight", {Of::darts}},
                                        {"search.cost_rate", {Of::darts}},
                                        {"search.cost_damping", {Of::darts}},
                                        {"search.cost_ramp", {Of::darts}},
                                        {"search.error_measure", {Of::darts}},
                                        {"search.error_mode", {Of::darts}},
                                        {"search.error_weight", {Of::darts}},
                                        {"search.error_budget", {Of::darts}},
                                        {"search.temperature", {Of::darts}},
                                        {"search.final_temperature", {Of::darts}},
                                        {"search.warmup_steps", {Of::darts}},
                                        {"search.alpha_learning_rate", {Of::darts}},
                                        {"search.alpha_decay", {Of::darts}},
                                        {"search.quantizer_learning_rate", {Of::darts}},
                                        {"search.weight_learning_rate", {Of::darts}},
                                        {"search.weight_decay", {Of::darts}},
                                        {"search.clip_norm", {Of::darts}},
                                        {"search.log_every", {Of::darts}},
                                        {"search.stop_after_stable", {Of::darts}}};
  return all;
}

constexpr const char* strategies = "darts, sensitivity, fisher, uniform, random:N";

std::optional<std::int64_t> counting_number(std::string_view text) {
  constexpr std::int64_t most = 1'000'000'000;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 1 || value > most)
    return std::nullopt;
  return value;
}

// "random:2:w2a4" -> "random:2" and "w2a4". No budget has a colon in it, and none is a counting number but
// "1", which limits nothing.
struct Parts {
  std::string name, rest;
  bool has_rest = false;
};
Parts strategy_and_budget(const std::string& text) {
  auto colon = text.find(':');
  if (text.starts_with("random:")) {
    const auto next = text.find(':', colon + 1);
    const std::string first = text.substr(colon + 1, next == std::string::npos ? next : next - colon - 1);
    if (counting_number(first)) colon = next;
  }
  if (colon == std::string::npos) return {text, "", false};
  return {text.substr(0, colon), text.substr(colon + 1), true};
}

// Does the word begin as those do that name a search, and not as a file?
bool names_a_search(const std::string& text) {
  const std::string name = strategy_and_budget(text).name;
  return name == "searched" || (read_strategy(name) && !is_uniform_scheme(text));
}

std::string budget_of_word_complaint(const Parts& parts) {
  if (!parts.has_rest) return {};
  if (!parts.rest.empty() && read_budget(parts.rest)) return {};
  const std::string at = parts.name + ":BUDGET, with one of search.budget";
  if (parts.name == "uniform")
    return "is neither the best uniform scheme within a budget (" + at +
           ") nor a written one (uniform:METHOD:wXaY, such as uniform:lsq+:w4a8)";
  return "names no budget: write " + parts.name + ", or " + at;
}

std::string word_complaint(const std::string& text) {
  if (text.starts_with("best:")) return "names a budget: best is of the first of search.budget";
  if (is_uniform_scheme(text)) return uniform_scheme_complaint(text);
  if (text.starts_with("random:") && !counting_number(text.substr(7, text.find(':', 7) - 7)))
    return "is no random scheme: write random:N or random:N:BUDGET, with N = 1, 2, ...";
  return names_a_search(text) ? budget_of_word_complaint(strategy_and_budget(text)) : std::string{};
}

void add_once(std::vector<std::string>& words, const std::string& word) {
  if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
}

std::string folder_in(const Config& config, const std::string& name) {
  return chain::baseline_place(config.run.out, baseline_folder(name)).string();
}

}  // namespace

std::optional<Strategy> read_strategy(const std::string& text) {
  using Kind = Strategy::Kind;
  if (text == "darts") return Strategy{Kind::darts};
  if (text == "sensitivity") return Strategy{Kind::sensitivity};
  if (text == "fisher") return Strategy{Kind::fisher};
  if (text == "uniform") return Strategy{Kind::uniform};
  if (text == "random") return Strategy{Kind::random};
  if (!text.starts_with("random:")) return std::nullopt;
  const auto number = counting_number(std::string_view(text).substr(7));
  return number ? std::optional<Strategy>({Kind::random, *number}) : std::nullopt;
}

std::string to_text(const Strategy& strategy) {
  using Kind = Strategy::Kind;
  switch (strategy.kind) {
    case Kind::darts:
      return "darts";
    case Kind::sensitivity:
      return "sensitivity";
    case Kind::fisher:
      return "fisher";
    case Kind::uniform:
      return "uniform";
    case Kind::random:
      break;
  }
  return "random:" + std::to_string(strategy.number);
}

std::string strategy_complaint(const std::string& text) {
  return read_strategy(text) ? std::string{} : std::string("is no strategy: write one of ") + strategies;
}

bool bears_on_strategy(const std::string& option, const Strategy& strategy) {
  for (const Reading& reading : readings())
    if (option == reading.option)
      return std::find(reading.strategies.begin(), reading.strategies.end(), strategy.kind) !=
             reading.strategies.end();
  return true;
}

double weight_recovery(const SearchOptions& options) {
  // Measured (lib/METHOD.md section 10): what is left of a weight's error after finetuning is about a
  // quarter. The other strategies are those that others publish.
  constexpr double of_darts = 0.75, of_others = 0;
  return read_share(options.weight_recovery).value_or(options.strategy == "darts" ? of_darts : of_others);
}

SchemeWord read_scheme_word(const std::string& text) {
  if (text == "best") return {.kind = Kind::best, .text = text};
  if (is_uniform_scheme(text)) return {.kind = Kind::uniform, .text = text};
  const Parts parts = strategy_and_budget(text);
  if (parts.name == "searched") return {.kind = Kind::searched, .budget = parts.rest, .text = text};
  const auto strategy = read_strategy(parts.name);
  if (!strategy) return {.kind = Kind::file, .text = text};
  return {.kind = Kind::strategy,
          .strategy = *strategy,
          .budget = parts.rest,
          .text = to_text(*strategy) + (parts.has_rest ? ":" + parts.rest : "")};
}

SchemeWord read_scheme_word(const std::string& text, const Config& config) {
  SchemeWord word = read_scheme_word(text);
  const auto& budgets = config.search.budget;
  if (word.budget.empty() || budgets.empty() || word.budget != budgets.front()) return word;
  word.text.resize(word.text.size() - word.budget.size() - 1);
  word.budget.clear();
  return word;
}

std::string scheme_complaint(const std::string& text) {
  if (text.empty())
    return std::string("is empty: write searched, best, a strategy (") + strategies +
           "), uniform:METHOD:wXaY or the name of a file";
  return word_complaint(text);
}

std::string nearest_scheme_word(const std::string& text, const std::string& otherwise) {
  const Parts parts = strategy_and_budget(text);
  const std::string rest = parts.has_rest ? ":" + parts.rest : "";
  std::vector<std::string> words;
  for (const char* name : {"searched", "darts", "sensitivity", "fisher", "uniform", "random"})
    words.push_back(name + rest);
  if (!parts.has_rest) words.emplace_back("best");
  return suggestion(text, words, otherwise);
}

std::string baseline_complaint(const std::string& text) {
  if (text.empty())
    return std::string("is empty: write a strategy (") + strategies +
           "), uniform:METHOD:wXaY, searched:BUDGET or the name of a file";
  if (text == "searched" || text == "best") return "is always in the report: name other schemes";
  return word_complaint(text);
}

std::string baseline_folder(const std::string& scheme) {
  std::string name;
  for (const char letter : scheme) {
    const bool plain = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                       (letter >= '0' && letter <= '9') || letter == '.' || letter == '-';
    name += letter == '+' ? std::string("plus") : std::string(1, plain ? letter : '_');
  }
  return name;
}

std::vector<std::string> baselines_of(const Config& config) {
  std::vector<std::string> words;
  const SchemeWord own = read_scheme_word(config.finetune.scheme, config);
  const auto add = [&](const std::string& text) {
    const std::string word = read_scheme_word(text, config).text;
    if (word != own.text) add_once(words, word);
  };
  if (own.kind == Kind::best) add("searched");
  for (const std::string& text : config.report.baselines) add(text);
  if (config.report.budgets == "all") {
    std::vector<std::string> at_every_budget{"searched"};
    for (const std::string& text : config.report.baselines)
      if (const auto word = read_scheme_word(text); word.kind == Kind::strategy)
        add_once(at_every_budget, to_text(word.strategy));
    for (const std::string& budget : config.search.budget)
      for (const std::string& name : at_every_budget) add(name + ":" + budget);
  }
  return words;
}

Config baseline_config(const Config& config, const std::string& scheme) {
  Config own = config;
  own.finetune.scheme = read_scheme_word(scheme, config).text;
  own.run.in = config.run.out;
  own.run.out = folder_in(config, own.finetune.scheme);
  return own;
}

std::vector<std::string> baseline_arguments(const Config& config, const std::string& scheme) {
  const Config own = baseline_config(config, scheme);
  return {"--out", own.run.out, "--in", own.run.in, "--finetune.scheme=" + own.finetune.scheme};
}

Config strategy_config(const Config& config, const Strategy& strategy) {
  Config own = config;
  own.search.strategy = to_text(strategy);
  own.run.in = config.run.out;
  own.run.out = folder_in(config, own.search.strategy);
  return own;
}

std::vector<std::string> strategy_arguments(const Config& config, const Strategy& strategy) {
  const std::string name = to_text(strategy);
  return {"--out", folder_in(config, name), "--in", config.run.out, "--search.strategy=" + name};
}

}  // namespace bitdarts::config
