#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "quant/scheme.hpp"

namespace bitdarts::train {

/// A scheme, and who found it.
struct ResolvedScheme {
  quant::Scheme scheme;
  std::string strategy;  ///< search.strategy of its search; "hand" when it was written by a person
  std::string budget;    ///< of that search; empty when it had none, or there was no search
};

/// The scheme that finetune.scheme stands for, whatever it says but "best". `text` is its
/// stage::scheme_text(), `searched` the searched.h5 that it is taken from, where it is. ConfigError when a
/// scheme that is written out does not fit the layers; InputError when the search has none for the budget, or
/// was made by another strategy. A word without a budget means the first of `budgets` (search.budget),
/// wherever the search has it in its list; what the search itself has first where either names none.
ResolvedScheme resolve_scheme(const config::FinetuneOptions& options,
                              const std::vector<quant::LayerShape>& layers, const std::string& text,
                              const std::filesystem::path* searched,
                              const std::vector<std::string>& budgets = {});

}  // namespace bitdarts::train
