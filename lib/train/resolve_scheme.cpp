#include "train/resolve_scheme.hpp"

#include "config/scheme_word.hpp"
#include "core/error.hpp"
#include "quant/bank_file.hpp"

namespace bitdarts::train {
namespace {

using Layers = std::vector<quant::LayerShape>;

// "/schemes/<i>" with this budget; empty when there is none. A search without several budgets may have none
// of these groups.
std::string group_of(const store::File& file, const std::string& budget) {
  if (!file.has("/schemes")) return {};
  for (const std::string& name : file.children("/schemes")) {
    const std::string group = "/schemes/" + name;
    if (file.text_attribute(group, "budget") == budget) return group;
  }
  return {};
}

std::string budgets_of(const store::File& file) {
  std::string all = file.text_attribute("/search", "budgets").value_or("");
  if (all.empty()) all = file.text_attribute("/search", "budget").value_or("");
  return all;
}

quant::Scheme scheme_at(const store::File& file, const std::string& budget, const Layers& layers) {
  if (budget.empty() || file.text_attribute("/search", "budget") == budget)
    return quant::load_scheme(file, layers);
  const std::string group = group_of(file, budget);
  if (group.empty())
    throw InputError("the search has no scheme for the budget " + budget +
                         (budgets_of(file).empty() ? "" : ", but for " + budgets_of(file)),
                     file.path().string() + ":/schemes",
                     "run bitdarts-search with this budget in search.budget, or write finetune.scheme = "
                     "searched:BUDGET or STRATEGY:BUDGET with one that it has");
  const std::string table = group + "/table", where = file.path().string() + ":" + table;
  try {
    return quant::parse_table(file.read_text(table), layers, where);
  } catch (const ConfigError& error) {  // a bad table inside a product is a bad input, not a bad option
    throw InputError(std::string("the stored scheme does not fit the model: ") + error.what(), where,
                     "run bitdarts-search again");
  }
}

ResolvedScheme found(const config::SchemeWord& word, const Layers& layers, const store::File& file,
                     const std::vector<std::string>& budgets) {
  using Kind = config::SchemeWord::Kind;
  const std::string wanted = word.kind == Kind::strategy ? config::to_text(word.strategy) : "";
  const std::string strategy =
      file.text_attribute("/search", "strategy").value_or(wanted.empty() ? "darts" : wanted);
  if (!wanted.empty() && strategy != wanted)
    throw InputError("the scheme is to be found by " + wanted + ", and this search was made by " + strategy,
                     file.path().string() + ":/search", "run bitdarts-search with search.strategy=" + wanted);
  const std::string first = file.text_attribute("/search", "budget").value_or("");
  const bool both_name_one = !first.empty() && !budgets.empty();
  const std::string budget = !word.budget.empty() ? word.budget : both_name_one ? budgets.front() : first;
  return {scheme_at(file, budget, layers), strategy, budget};
}

}  // namespace

ResolvedScheme resolve_scheme(const config::FinetuneOptions& options, const Layers& layers,
                              const std::string& text, const std::filesystem::path* searched,
                              const std::vector<std::string>& budgets) {
  using Kind = config::SchemeWord::Kind;
  const config::SchemeWord word = config::read_scheme_word(options.scheme);
  if (word.is_found()) return found(word, layers, store::File::open(*searched), budgets);
  if (word.kind == Kind::uniform) return {quant::parse_uniform(word.text, layers), "hand", ""};
  return {quant::parse_table(text, layers, options.scheme), "hand", ""};
}

}  // namespace bitdarts::train
