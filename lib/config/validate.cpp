#include <algorithm>
#include <bit>
#include <map>
#include <set>

#include "config/options_table.hpp"
#include "config/problem.hpp"
#include "config/scheme_word.hpp"
#include "config/syntax.hpp"
#include "core/error.hpp"

namespace bitdarts::config {
namespace {

using Problems = std::vector<Problem>;

void check_single_values(const Config& config, Problems& problems) {
  Config copy = config;
  for (const Option& option : options_table(copy))
    if (const std::string wrong = complaint(option); !wrong.empty())
      problems.push_back({option.name() + " = " + printed(option) + ": " + wrong, {option.name()}, {}});
}

void check_fractions(const DataOptions& data, Problems& problems) {
  if (data.search_fraction + data.test_fraction >= 1)
    problems.push_back({"nothing is left to train on: the search and test parts take everything",
                        {"data.search_fraction", "data.test_fraction"},
                        "let them sum to less than 1"});
}

void check_heads(const ModelOptions& model, Problems& problems) {
  if (model.dim % model.heads != 0)
    problems.push_back({"the heads do not divide the width of the model",
                        {"model.dim", "model.heads"},
                        "choose model.dim a multiple of twice model.heads"});
  else if (model.dim / model.heads % 2 != 0)
    problems.push_back({"rotary embeddings turn pairs of features, and a head has an odd number of them",
                        {"model.dim", "model.heads"},
                        "choose model.dim a multiple of twice model.heads"});
  if (model.kv_heads > 0 && model.heads % model.kv_heads != 0)
    problems.push_back({"the heads of keys and values do not divide the heads",
                        {"model.heads", "model.kv_heads"},
                        "choose model.kv_heads a divisor of model.heads, or 0"});
}

void check_batches(const Config& config, Problems& problems) {
  const std::int64_t shards = config.run.shards;
  if (!std::has_single_bit(static_cast<std::uint64_t>(shards))) {
    problems.push_back(
        {"the number of virtual shards is not a power of two", {"run.shards"}, "choose 1, 2, 4, 8 ..."});
    return;
  }
  const std::vector<std::pair<std::string, std::int64_t>> batches{{"pretrain.batch", config.pretrain.batch},
                                                                  {"search.batch", config.search.batch},
                                                                  {"finetune.batch", config.finetune.batch}};
  for (const auto& [name, batch] : batches)
    if (batch % shards != 0)
      problems.push_back(
          {"a batch cannot be divided evenly among the virtual shards",
           {name, "run.shards"},
           "choose " + name + " a multiple of " + std::to_string(shards) + ", or fewer shards"});
}

void check_no_duplicates(const std::vector<std::string>& candidates, const std::string& name,
                         Problems& problems) {
  std::set<std::string> seen;
  for (const std::string& candidate : candidates)
    if (!seen.insert(candidate).second)
      problems.push_back({"candidate " + candidate + " is there twice, and would start with twice the weight",
                          {name},
                          "name every candidate once"});
}

std::int64_t fewest_bits(const std::vector<std::string>& candidates) {
  std::int64_t fewest = 32;
  for (const std::string& candidate : candidates) fewest = std::min(fewest, *candidate_bits(candidate));
  return fewest;
}

void check_budget(const SearchOptions& search, const std::string& text, Problems& problems) {
  using Kind = BudgetSyntax::Kind;
  const BudgetSyntax budget = *read_budget(text);
  const bool bops = search.cost == "bops";
  if (bops && (budget.kind == Kind::weight_bits || budget.kind == Kind::megabytes))
    problems.push_back(
        {"the budget " + text +
             " is one of weight bits or megabytes: it limits the size, and the cost counts bit operations",
         {"search.budget", "search.cost"},
         "set search.cost = size, or a budget such as w4a8 or 2%"});
  const double weight = static_cast<double>(fewest_bits(search.weight_candidates));
  const double activation = static_cast<double>(fewest_bits(search.activation_candidates));
  const auto width = static_cast<double>(budget.weight), input = static_cast<double>(budget.activation);
  const bool too_little =
      (budget.kind == Kind::weight_bits && budget.value < weight) ||
      (budget.kind == Kind::ratio &&
       (bops ? budget.value * 1024 < weight * activation : budget.value * 32 < weight)) ||
      (budget.kind == Kind::uniform_scheme && (bops ? width * input < weight * activation : width < weight));
  if (too_little)
    problems.push_back({"the cheapest candidates everywhere already cost more than the budget " + text,
                        {"search.budget", "search.weight_candidates", "search.activation_candidates"},
                        "raise the budget or add narrower candidates"});
}

void check_budgets(const SearchOptions& search, Problems& problems) {
  for (std::size_t i = 0; i < search.budget.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j)
      if (*read_budget(search.budget[i]) == *read_budget(search.budget[j])) {
        problems.push_back({"the budgets " + search.budget[j] + " and " + search.budget[i] + " are the same",
                            {"search.budget"},
                            "name every budget once"});
        return;
      }
    check_budget(search, search.budget[i], problems);
  }
}

void check_scheme_budget(const Config& config, const std::string& option, const std::string& text,
                         Problems& problems) {
  const std::string budget = read_scheme_word(text).budget;
  const auto& known = config.search.budget;
  if (budget.empty() || std::find(known.begin(), known.end(), budget) != known.end()) return;
  problems.push_back({text + " names a budget that no search has",
                      {option, "search.budget"},
                      "add it to search.budget, or name one that is there, written alike"});
}

void check_schemes(const Config& config, Problems& problems) {
  check_scheme_budget(config, "finetune.scheme", config.finetune.scheme, problems);
  const auto same_folder = [&](const std::string& one, const std::string& other, const std::string& remedy) {
    problems.push_back({one + " and " + other + " would have their products in the same folder",
                        {"report.baselines"},
                        remedy});
  };
  std::map<std::string, std::string> by_folder;
  for (const std::string& baseline : config.report.baselines) {
    check_scheme_budget(config, "report.baselines", baseline, problems);
    const std::string word = read_scheme_word(baseline, config).text;
    const auto [at, is_new] = by_folder.emplace(baseline_folder(word), baseline);
    if (is_new) continue;
    const bool same = read_scheme_word(at->second, config).text == word;
    same_folder(at->second, baseline,
                same ? "they are one scheme: name every scheme once" : "rename one of them");
  }
  // Those that nobody wrote down too: of report.budgets = all, and the searches of strategies.
  std::vector<std::string> made = baselines_of(config);
  made.push_back(config.finetune.scheme);
  for (const std::string& word : made) {
    const SchemeWord scheme = read_scheme_word(word, config);
    std::vector<std::string> folders{scheme.text};
    if (scheme.kind == SchemeWord::Kind::strategy) folders.push_back(to_text(scheme.strategy));
    if (word == config.finetune.scheme)
      folders.erase(folders.begin());  // its products lie in the pipeline's own
    for (const std::string& folder : folders) {
      const auto [at, is_new] = by_folder.emplace(baseline_folder(folder), folder);
      const SchemeWord other = read_scheme_word(at->second, config);
      const bool file = other.kind == SchemeWord::Kind::file || scheme.kind == SchemeWord::Kind::file;
      if (!is_new && file && other.text != folder) same_folder(at->second, folder, "rename the file");
    }
  }
}

// Is there a search by gradient descent?
bool descends(const Config& config) {
  const auto darts = [](const std::string& text) {
    const SchemeWord word = read_scheme_word(text);
    return word.kind == SchemeWord::Kind::strategy && word.strategy.kind == Strategy::Kind::darts;
  };
  const auto& baselines = config.report.baselines;
  return darts(config.search.strategy) || darts(config.finetune.scheme) ||
         std::any_of(baselines.begin(), baselines.end(), darts);
}

// The other strategies have neither multipliers nor α.
void check_multipliers(const SearchOptions& search, Problems& problems) {
  if (search.error_mode == "dual" && search.error_budget <= 0)
    problems.push_back({"a dual λ_err needs to know the error that is allowed",
                        {"search.error_mode", "search.error_budget"},
                        "set search.error_budget, such as 0.01"});
  if (search.cost_mode == "uncertainty" && search.cost_weight <= 0)
    problems.push_back({"λ_cost = exp(-s) cannot start at 0",
                        {"search.cost_mode", "search.cost_weight"},
                        "set search.cost_weight, such as 1"});
  if (search.cost_mode == "dual" && search.budget.empty() && search.cost_weight > 0)
    problems.push_back({"without a budget a dual λ_cost has nothing to follow and stays 0",
                        {"search.cost_weight", "search.cost_mode", "search.budget"},
                        "set search.budget, or search.cost_mode = fixed"});
  if (search.warmup_steps >= search.steps)
    problems.push_back({"α would stay frozen to the end of the search",
                        {"search.warmup_steps", "search.steps"},
                        "choose fewer warm-up steps"});
}

}  // namespace

std::optional<Problem> find_problem(const Config& config) {
  Problems problems;
  check_single_values(config, problems);
  // The combinations below take sound single values for granted.
  if (!problems.empty()) return problems.front();
  check_fractions(config.data, problems);
  check_heads(config.model, problems);
  check_batches(config, problems);
  check_no_duplicates(config.search.weight_candidates, "search.weight_candidates", problems);
  check_no_duplicates(config.search.activation_candidates, "search.activation_candidates", problems);
  check_budgets(config.search, problems);
  check_schemes(config, problems);
  if (descends(config)) check_multipliers(config.search, problems);
  if (config.evaluate.stride > config.model.context)
    problems.push_back({"windows further apart than they are long leave tokens out",
                        {"evaluate.stride", "model.context"},
                        "choose evaluate.stride at most model.context, or 0"});
  if (problems.empty()) return std::nullopt;
  return problems.front();
}

void raise(const Problem& problem, const Config& config, const std::map<std::string, std::string>& origins) {
  Config copy = config;
  const std::vector<Option> table = options_table(copy);
  std::string where;
  for (const std::string& name : problem.options) {
    const auto origin = origins.find(name);
    where += (where.empty() ? "" : "; ") + name + " = " + printed(*find_option(table, name));
    if (!origins.empty()) where += " (" + (origin == origins.end() ? "default" : origin->second) + ")";
  }
  throw ConfigError(problem.what, where, problem.remedy);
}

void validate(const Config& config) {
  if (const auto problem = find_problem(config)) raise(*problem, config, {});
}

}  // namespace bitdarts::config
