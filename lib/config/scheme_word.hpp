#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"

namespace bitdarts::config {

// Schemes as options name them (finetune.scheme, report.baselines), and what a pipeline makes of the names.

/// One way to find a scheme (search.strategy).
struct Strategy {
  enum class Kind { darts, sensitivity, fisher, uniform, random } kind = Kind::darts;
  std::int64_t number = 1;  ///< of a random one: each number is another scheme
};
/// darts, sensitivity, fisher, uniform, random (the first) or random:N; nullopt otherwise.
std::optional<Strategy> read_strategy(const std::string& text);
/// As read_strategy() takes it; the random ones with their number ("random:1"), so that one strategy has one
/// text.
std::string to_text(const Strategy& strategy);
std::string strategy_complaint(const std::string& text);
/// Does "search.key" change what the strategy finds? Some options only some strategies read: those of
/// gradient descent are darts' alone.
bool bears_on_strategy(const std::string& option, const Strategy& strategy);

/// search.weight_recovery as a number: what "auto" stands for depends on the strategy.
double weight_recovery(const SearchOptions& options);

/// What a word such as "searched:5%", "random:2:w2a4" or "uniform:lsq+:w4a8" stands for.
struct SchemeWord {
  enum class Kind {
    searched,  ///< of the pipeline's own search
    strategy,  ///< of a search by another strategy
    best,      ///< the best finetuned one of the schemes at hand
    uniform,   ///< written out: uniform:METHOD:wXaY
    file       ///< a table
  } kind = Kind::searched;
  Strategy strategy{};   ///< of a strategy
  std::string budget{};  ///< of a search: one of search.budget; empty: the first of them
  std::string text{};    ///< the word itself, the same for all ways to write it ("random:1" for "random")

  /// Does a search find it?
  bool is_found() const { return kind == Kind::searched || kind == Kind::strategy; }
};
/// Takes for granted that scheme_complaint() has none.
SchemeWord read_scheme_word(const std::string& text);
/// With the first of search.budget left out of the word, so that one scheme has one text and one folder:
/// "searched" for "searched:w4a8" where w4a8 is the first.
SchemeWord read_scheme_word(const std::string& text, const Config& config);
/// finetune.scheme: every word.
std::string scheme_complaint(const std::string& text);
/// report.baselines: those that name something else than the pipeline's own scheme.
std::string baseline_complaint(const std::string& text);

/// "did you mean sensitivity?" for a word that is taken for a file and may be a slip of the pen; `otherwise`
/// where no strategy is near.
std::string nearest_scheme_word(const std::string& text, const std::string& otherwise);

/// Where below baselines/ the products of a scheme or a strategy lie: "uniform:lsq+:w4a8" ->
/// "uniform_lsqplus_w4a8".
std::string baseline_folder(const std::string& scheme);

/// The words of what a pipeline finetunes and evaluates beside finetune.scheme, in this order, each once and
/// as read_scheme_word() has them for `config`: with finetune.scheme = best the searched scheme;
/// report.baselines; with report.budgets = all the searched scheme and the strategies of report.baselines at
/// every budget. What finetune.scheme itself names is not among them.
std::vector<std::string> baselines_of(const Config& config);

/// `config` as the stages of the baseline have it: its scheme, its folder, the inputs where the pipeline's
/// products are. Their command line is that of the pipeline and baseline_arguments().
Config baseline_config(const Config& config, const std::string& scheme);
std::vector<std::string> baseline_arguments(const Config& config, const std::string& scheme);
/// The same for the search by a strategy, which all of its baselines share.
Config strategy_config(const Config& config, const Strategy& strategy);
std::vector<std::string> strategy_arguments(const Config& config, const Strategy& strategy);

}  // namespace bitdarts::config
