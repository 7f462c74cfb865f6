#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace bitdarts::report {

/// A group of facts about a file: "model", and lines that say something about it.
struct FactSection {
  std::string title;
  std::vector<std::string> facts;
};

/// What can be said about a file without knowing who asks.
struct Inspection {
  bool whole = false;
  std::string reason;  ///< why it is not whole
  std::string headline;
  std::vector<FactSection> sections;
};

/// Describes a product or a checkpoint, as far as it can be read. Of a damaged file, `whole` is false and the
/// sections hold what is left. InputError when there is no such file.
Inspection inspect(const std::filesystem::path& path);
std::string to_text(const Inspection& inspection);

/// The scheme table of a searched, finetuned or evaluated model, as finetune reads it. InputError when the
/// file is not whole or holds no scheme. `budget`: of a search, one of its budgets instead of the first;
/// InputError that lists those there are when it is none of them.
std::string scheme_table(const std::filesystem::path& path, const std::string& budget = {});

/// Differences between two whole bitdarts files, /provenance aside, one a line; empty when they are
/// bit-identical. InputError when one is missing or damaged.
std::vector<std::string> diff(const std::filesystem::path& a, const std::filesystem::path& b);

}  // namespace bitdarts::report
