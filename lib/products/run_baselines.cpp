// Which of the folders below baselines/ are of this run.
#include "products/run_baselines.hpp"

#include <algorithm>
#include <set>

#include "chain/places.hpp"
#include "config/scheme_word.hpp"

namespace bitdarts::products {
namespace {

using config::SchemeWord;

struct Folders {
  std::set<std::string> schemes, searches;  // where schemes lie, and where the searches of strategies lie
};

Folders folders_of(const config::Config& config) {
  Folders folders;
  std::vector<std::string> words = config::baselines_of(config);
  for (const std::string& word : words) folders.schemes.insert(config::baseline_folder(word));
  words.push_back(config.finetune.scheme);
  for (const std::string& text : words)
    if (const auto word = config::read_scheme_word(text); word.kind == SchemeWord::Kind::strategy)
      folders.searches.insert(config::baseline_folder(config::to_text(word.strategy)));
  return folders;
}

bool says_nothing(config::Config config) {
  config.run = {};
  return config::to_ini(config) == config::to_ini({});
}

// A scheme that was finetuned by hand in a folder of its own says nothing of the others.
bool lists(const config::Config& config, const std::string& folder) {
  const Folders folders = folders_of(config);
  return folders.schemes.contains(folder) || folders.searches.contains(folder);
}

std::optional<config::Config> stored_configuration(const Products& products) {
  const std::optional<Product>& own = products.finetuned ? products.finetuned : products.evaluation;
  const auto own_config = own ? configuration_of(*own) : std::nullopt;
  std::optional<config::Config> newest;
  std::string ended;
  const auto look = [&](const std::optional<Product>& product, const std::string& folder) {
    if (!product || product->provenance.ended < ended) return;
    auto config = configuration_of(*product);
    if (!config) return;
    // In its folder finetune.scheme is the word of the baseline.
    if (!folder.empty() && own_config) config->finetune.scheme = own_config->finetune.scheme;
    if (!folder.empty() && !lists(*config, folder)) return;
    newest = std::move(config);
    ended = product->provenance.ended;
  };
  for (const auto* product : {&products.searched, &products.finetuned, &products.evaluation})
    look(*product, "");
  for (const Baseline& baseline : products.baselines)
    for (const auto* product : {&baseline.searched, &baseline.finetuned, &baseline.evaluation})
      look(*product, baseline.folder);
  return newest;
}

// Is it of a search that is gone?
bool of_another_search(const Products& products, const Baseline& baseline) {
  if (!baseline.finetuned) return false;
  for (const store::InputRecord& input : baseline.finetuned->provenance.inputs) {
    if (input.name != "searched") continue;
    const auto folder = chain::baseline_with(input.path);
    const std::optional<Product>* search = &products.searched;
    if (folder) {
      const auto at = std::find_if(products.baselines.begin(), products.baselines.end(),
                                   [&](const Baseline& other) { return other.folder == *folder; });
      if (at == products.baselines.end()) return true;
      search = &at->searched;
    }
    return !*search || (*search)->content_hash != input.content_hash;
  }
  return false;
}

}  // namespace

void leave_out_earlier_runs(Products& products, const config::Config& given) {
  const auto config = says_nothing(given) ? stored_configuration(products) : std::optional(given);
  std::vector<Baseline> kept;
  std::vector<bool> stale;
  for (const Baseline& baseline : products.baselines) stale.push_back(of_another_search(products, baseline));
  const Folders folders = config ? folders_of(*config) : Folders{};
  for (std::size_t i = 0; i < products.baselines.size(); ++i) {
    Baseline& baseline = products.baselines[i];
    const bool scheme = config ? folders.schemes.contains(baseline.folder) : !stale[i];
    const bool search = config ? folders.searches.contains(baseline.folder) : true;
    if (!scheme && (baseline.finetuned || baseline.evaluation || !search))
      products.left.push_back(baseline.folder);
    if (!scheme && !search) continue;
    if (!scheme) {
      baseline.finetuned.reset();
      baseline.evaluation.reset();
    }
    kept.push_back(std::move(baseline));
  }
  products.baselines = std::move(kept);
}

std::string left_in_words(const Products& products) {
  std::string names;
  for (const std::string& folder : products.left) names += (names.empty() ? "" : ", ") + folder;
  return names.empty() ? names
                       : "below baselines/, left from earlier runs, not shown: " + names +
                             " (name them in report.baselines to see them)";
}

}  // namespace bitdarts::products
