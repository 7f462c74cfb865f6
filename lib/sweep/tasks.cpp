#include "sweep/tasks.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "config/candidate_sets.hpp"
#include "config/options_table.hpp"
#include "config/problem.hpp"
#include "config/scheme_word.hpp"
#include "core/error.hpp"
#include "core/hash.hpp"
#include "pipeline/steps.hpp"
#include "stage/descriptions.hpp"

namespace bitdarts::sweep {
namespace {

using Values = std::vector<std::pair<std::string, std::string>>;

constexpr std::size_t longest_slug = 48, hash_digits = 8, most_tasks = 100000;
const std::string scheme_key = "finetune.scheme", strategy_key = "search.strategy";

// Where a key stands in the pipeline: slugs and columns do not depend on the order of the section's lines.
std::size_t position_of(const std::string& key) {
  config::Config config;
  const auto table = config::options_table(config);
  const std::string first = config::options_of(key).front();
  for (std::size_t i = 0; i < table.size(); ++i)
    if (table[i].name() == first) return i;
  return table.size();
}

const config::Option& option_in(const std::vector<config::Option>& table, const std::string& name) {
  return *config::find_option(table, name);
}

// The candidates that a value of `option` stands for.
std::string candidates_of(const std::string& option, const std::string& value, const config::Config& base) {
  const auto& own = option == "search.weight_candidates" ? base.search.weight_candidates
                                                         : base.search.activation_candidates;
  std::string text;
  for (const std::string& candidate : config::selected_candidates(value, own))
    text += (text.empty() ? "" : " ") + candidate;
  return text;
}

// A name that says something of either kind of candidate is no slip of the pen.
void check_selection(const config::SweepSetting& setting, const config::Config& base,
                     const std::string& where) {
  std::vector<std::string> candidates;
  for (const std::string& option : config::options_of(setting.key)) {
    const auto& own = option == "search.weight_candidates" ? base.search.weight_candidates
                                                           : base.search.activation_candidates;
    candidates.insert(candidates.end(), own.begin(), own.end());
  }
  std::string wrong = config::selection_complaint(setting.value, candidates);
  for (const std::string& option : config::options_of(setting.key))
    if (wrong.empty() && candidates_of(option, setting.value, base).empty())
      wrong = "selects nothing from " + option;
  if (wrong.empty()) return;
  throw ConfigError("sweep: " + setting.key + " = " + setting.value + ": " + wrong, where,
                    "names select from the pipeline's own search.weight_candidates and "
                    "search.activation_candidates; spell others out");
}

Values options_of(const config::SweepSetting& setting, const config::Config& base, const std::string& where) {
  config::Config scratch;
  const auto table = config::options_table(scratch);
  Values options;
  const bool selection = setting.key.ends_with("candidates") && config::is_candidate_selection(setting.value);
  if (selection) check_selection(setting, base, where);
  for (const std::string& name : config::options_of(setting.key)) {
    const config::Option& option = option_in(table, name);
    config::assign(option, selection ? candidates_of(name, setting.value, base) : setting.value, where);
    options.emplace_back(name, config::printed(option));
  }
  return options;
}

std::string words_of(const Values& values) {
  std::string words;
  for (const auto& [name, value] : values) words += (words.empty() ? "" : ", ") + name + " = " + value;
  return words;
}

config::Config with(const config::Config& base, const Values& options, const std::string& where) {
  config::Config config = base;
  const auto table = config::options_table(config);
  for (const auto& [name, value] : options) config::assign(option_in(table, name), value, where);
  return config;
}

// Letters, digits and dots; one '-' for everything between.
std::string plain(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '+') {
      result += "plus";
    } else if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.') {
      result += c;
    } else if (!result.empty() && result.back() != '-') {
      result += '-';
    }
  }
  while (result.ends_with('-')) result.pop_back();
  return result;
}

// "w4a8", but "seed3": a number or a yes says nothing by itself.
std::string slug_of(const Values& settings) {
  std::string slug;
  for (const auto& [key, value] : settings) {
    const bool bare =
        value.find_first_not_of("0123456789.e+-") == std::string::npos || value == "true" || value == "false";
    const std::string name = bare ? plain(key.substr(key.rfind('.') + 1)) : "";
    const std::string part = name + plain(value);
    if (!part.empty()) slug += (slug.empty() ? "" : "-") + part;
  }
  slug.resize(std::min(slug.size(), longest_slug));
  while (slug.ends_with('-') || slug.ends_with('.')) slug.pop_back();
  return slug.empty() || !slug.starts_with('.') ? slug : "x" + slug;
}

std::string identity_of(Values options) {
  std::sort(options.begin(), options.end());
  std::string identity;
  for (const auto& [name, value] : options) identity += name + " = " + value + "\n";
  return identity;
}

Task make_task(const config::SweepPoint& point, const config::Config& base) {
  Task task;
  task.name = point.name;
  for (const config::SweepSetting& setting : point.settings) {
    task.settings.emplace_back(setting.key, setting.value);
    for (auto& option : options_of(setting, base, point.where)) task.options.push_back(std::move(option));
  }
  task.config = with(base, task.options, point.where);
  for (auto& [name, value] : task.options)  // one scheme, one task, however it is written
    if (name == scheme_key) value = config::read_scheme_word(value, task.config).text;
  task.config = with(base, task.options, point.where);
  if (const auto problem = config::find_problem(task.config)) {
    try {
      config::raise(*problem, task.config, {});
    } catch (const ConfigError& error) {
      throw ConfigError("the task with " + words_of(task.settings) + " is impossible: " + error.what(),
                        point.where);
    }
  }
  return task;
}

// Without what bears on nothing that it makes; with its id and what the stages are given.
void finish(Task& task, const config::Config& base) {
  const config::Config whole = task.config;
  const Values all = task.options;
  const auto idle = [&](const std::string& option) { return !bears_on(option, whole); };
  std::erase_if(task.options, [&](const auto& option) { return idle(option.first); });
  std::erase_if(task.settings, [&](const auto& setting) {
    const auto options = config::options_of(setting.first);
    return std::all_of(options.begin(), options.end(), idle);
  });
  std::stable_sort(task.settings.begin(), task.settings.end(),
                   [](const auto& a, const auto& b) { return position_of(a.first) < position_of(b.first); });
  // Values that bear on nothing may still be what makes the others possible together.
  task.config = with(base, task.options, "sweep");
  Values given = task.options;
  if (config::find_problem(task.config)) {
    task.config = whole;
    given = all;
  }
  for (const auto& [name, value] : given) task.overrides.push_back("--" + name + "=" + value);
  Hasher hasher;
  hasher.text(identity_of(task.options));
  const std::string slug = slug_of(task.settings);
  task.id = (slug.empty() ? "" : slug + "-") + hasher.hex().substr(0, hash_digits);
}

// The axes' points, every combination; the last axis runs fastest.
std::vector<config::SweepPoint> combinations(const config::Sweep& sweep) {
  std::vector<config::SweepPoint> points(1);
  for (const config::SweepAxis& axis : sweep.axes) {
    if (points.size() * axis.points.size() > most_tasks)
      throw ConfigError("the sweep has more than " + std::to_string(most_tasks) + " tasks", "[sweep]",
                        "take fewer values, or an explicit list (task.NAME = ...)");
    std::vector<config::SweepPoint> next;
    for (const config::SweepPoint& point : points)
      for (const config::SweepPoint& more : axis.points) {
        config::SweepPoint both = point;
        if (!more.name.empty()) both.name = more.name;
        both.settings.insert(both.settings.end(), more.settings.begin(), more.settings.end());
        both.where += (both.where.empty() || both.where == more.where) ? "" : "; ";
        if (!both.where.ends_with(more.where)) both.where += more.where;
        next.push_back(std::move(both));
      }
    points = std::move(next);
  }
  return points;
}

// Tasks by what they make.
class Collection {
 public:
  explicit Collection(const config::Config& base) : base_(base) {}

  void add(Task task) {
    const std::string everything = identity_of(task.options);
    if (const auto other = full_.find(everything); other != full_.end() && !task.baseline)
      throw ConfigError("two tasks come to the same: " + other->second + "; and " + words_of(task.settings),
                        "[sweep]", "remove one of them");
    if (!task.baseline) full_.emplace(everything, words_of(task.settings));
    finish(task, base_);
    const std::string identity = identity_of(task.options);
    const auto [at, is_new] = by_id_.emplace(task.id, identity);
    if (!is_new && at->second != identity && !identities_.contains(identity))
      throw Error("two tasks have the same id " + task.id, "[sweep]");
    if (identities_.insert(identity).second) tasks_.push_back(std::move(task));
  }
  const std::vector<Task>& tasks() const { return tasks_; }

 private:
  const config::Config& base_;
  std::vector<Task> tasks_;
  std::map<std::string, std::string> full_, by_id_;
  std::set<std::string> identities_;
};

// Of a strategy's scheme the sweep makes a task with a search of its own, like those of an axis
// search.strategy, so that the two are the same task. An option is part of the task where it is swept or
// differs from the pipeline's.
void set(Task& task, const std::string& key, const std::string& value, const std::string& otherwise) {
  const auto is_key = [&](const auto& pair) { return pair.first == key; };
  const bool swept = std::erase_if(task.options, is_key) > 0;
  std::erase_if(task.settings, is_key);
  if (!swept && value == otherwise) return;
  task.settings.emplace_back(key, value);
  task.options.emplace_back(key, value);
}

Task baseline_task(Task task, const std::string& scheme, const config::Config& base) {
  const config::SchemeWord word = config::read_scheme_word(scheme);
  task.baseline = true;
  task.name.clear();
  task.config.finetune.scheme = word.text;
  if (word.kind == config::SchemeWord::Kind::strategy) {
    task.config.finetune.scheme = word.budget.empty() ? "searched" : "searched:" + word.budget;
    // Where the pipeline writes the first budget out, so does this task: nothing is then to be set.
    const auto sets_scheme = [](const auto& option) { return option.first == scheme_key; };
    if (std::none_of(task.options.begin(), task.options.end(), sets_scheme) &&
        config::read_scheme_word(base.finetune.scheme, task.config).text == task.config.finetune.scheme)
      task.config.finetune.scheme = base.finetune.scheme;
    task.config.search.strategy = config::to_text(word.strategy);
    set(task, strategy_key, task.config.search.strategy, base.search.strategy);
  }
  set(task, scheme_key, task.config.finetune.scheme, base.finetune.scheme);
  return task;
}

void add_baselines(Collection& tasks, const std::vector<Task>& grid, const config::Config& base) {
  std::vector<std::string> schemes;
  for (const Task& task : grid)
    for (const std::string& scheme : config::baselines_of(task.config))
      if (std::find(schemes.begin(), schemes.end(), scheme) == schemes.end()) schemes.push_back(scheme);
  for (const std::string& scheme : schemes)
    for (const Task& task : grid) {
      const auto own = config::baselines_of(task.config);
      if (std::find(own.begin(), own.end(), scheme) != own.end())
        tasks.add(baseline_task(task, scheme, base));
    }
}

// Tasks know nothing of each other: what takes another one's search, or chooses among others, is no task.
void refuse_what_needs_others(const std::vector<Task>& grid) {
  using Kind = config::SchemeWord::Kind;
  for (const Task& task : grid) {
    const std::string& text = task.config.finetune.scheme;
    const config::SchemeWord word = config::read_scheme_word(text);
    if (word.kind == Kind::best)
      throw ConfigError("in a sweep no task can take the best of the others", scheme_key + " = " + text,
                        "leave finetune.scheme = searched: the report of the sweep shows which is best");
    if (word.kind == Kind::strategy)
      throw ConfigError("in a sweep every task has a search of its own", scheme_key + " = " + text,
                        "set " + strategy_key + " = " + config::to_text(word.strategy) +
                            ", which may be swept too, or name it in report.baselines");
  }
}

}  // namespace

bool bears_on(const std::string& option, const config::Config& config) {
  if (option.starts_with("report.")) return false;
  if (!option.starts_with("search.")) return true;
  return stage::uses_search(config.finetune) &&
         config::bears_on_strategy(
             option, config::read_strategy(config.search.strategy).value_or(config::Strategy{}));
}

std::vector<Task> expand(const config::Sweep& sweep, const config::Config& base) {
  if (sweep.empty())
    throw ConfigError("there is nothing to sweep: the configuration has no [sweep] section", "--config",
                      "write one (--help=sweep), or give --sweep.search.budget='w4a8 | w3a3'");
  std::vector<Task> grid;
  for (const config::SweepPoint& point : combinations(sweep)) grid.push_back(make_task(point, base));
  refuse_what_needs_others(grid);
  Collection tasks(base);
  for (const Task& task : grid) tasks.add(task);
  add_baselines(tasks, grid, base);
  return tasks.tasks();
}

void check_schemes(const std::vector<Task>& tasks) {
  std::set<std::string> checked;  // a grid may have thousands of tasks, and few schemes
  for (const Task& task : tasks) {
    const std::string option = task.baseline ? "report.baselines" : scheme_key;
    if (checked.insert(task.config.finetune.scheme).second)
      pipeline::check_scheme_file(option, task.config.finetune.scheme);
  }
}

std::vector<std::string> swept_keys(const std::vector<Task>& tasks) {
  std::vector<std::string> keys;
  for (const Task& task : tasks)
    for (const auto& [key, value] : task.settings)
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
  std::stable_sort(keys.begin(), keys.end(), [](const std::string& a, const std::string& b) {
    return position_of(a) < position_of(b);
  });
  return keys;
}

std::string value_of(const Task& task, const std::string& key) {
  for (const auto& [name, value] : task.settings)
    if (name == key) return value;
  return {};
}

}  // namespace bitdarts::sweep
