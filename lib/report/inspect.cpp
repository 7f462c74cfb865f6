#include "report/inspect.hpp"

#include <algorithm>
#include <optional>

#include "core/error.hpp"
#include "products/stored_scheme.hpp"
#include "report/format.hpp"
#include "report/inspect_facts.hpp"
#include "store/product.hpp"

namespace bitdarts::report {

using namespace products;
namespace {

namespace fs = std::filesystem;

const std::string checkpoint_prefix = "checkpoint:";

void require_file(const fs::path& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) throw InputError("the file does not exist", path.string());
  if (!fs::is_regular_file(path, ignored)) throw InputError("this is not a file", path.string());
}

// Whole, or an InputError.
store::File open_whole(const fs::path& path) {
  require_file(path);
  const store::Verdict verdict = store::verify(path);
  if (!verdict.whole) throw InputError(path.string() + " is damaged: " + verdict.reason);
  return store::File::open(path);
}

std::string kind_of(const store::Provenance& provenance) {
  const std::string& stage = provenance.stage;
  if (stage.empty()) return "not a readable bitdarts file";
  const bool checkpoint = stage.starts_with(checkpoint_prefix);
  return (checkpoint ? "a checkpoint of bitdarts-" + stage.substr(checkpoint_prefix.size())
                     : "a product of bitdarts-" + stage) +
         ", schema " + std::to_string(provenance.schema_version);
}

// A file with a wrong hash may still be readable.
std::optional<store::File> opened(const fs::path& path) {
  try {
    return store::File::open(path);
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

}  // namespace

Inspection inspect(const fs::path& path) {
  require_file(path);
  const store::Verdict verdict = store::verify(path);
  std::error_code ignored;
  const auto bytes = fs::file_size(path, ignored);
  Inspection result{
      .whole = verdict.whole, .reason = verdict.reason, .headline = path.string(), .sections = {}};
  result.sections.push_back(
      {"file",
       {kind_of(verdict.provenance),
        verdict.whole ? "whole: its content has the hash that it records, " + verdict.content_hash
                      : "DAMAGED: " + verdict.reason,
        byte_size(static_cast<double>(bytes))}});
  const auto file = opened(path);
  if (!file) return result;
  for (FactSection& section : content_facts(*file)) result.sections.push_back(std::move(section));
  if (!verdict.provenance.stage.empty()) result.sections.push_back(provenance_facts(verdict.provenance));
  return result;
}

std::string to_text(const Inspection& inspection) {
  std::size_t width = 0;
  for (const FactSection& section : inspection.sections) width = std::max(width, section.title.size());
  std::string text = inspection.headline + "\n";
  for (const FactSection& section : inspection.sections) {
    std::string label = section.title;
    for (const std::string& fact : section.facts) {
      label.resize(width, ' ');
      // The lines of one fact stay under each other.
      std::string indented;
      for (const char c : fact)
        indented += c == '\n' ? "\n" + std::string(width + 4, ' ') : std::string(1, c);
      text += "  " + label + "  " + indented + "\n";
      label.clear();
    }
  }
  return text;
}

namespace {

// Where the scheme of a budget lies.
std::string group_of(const store::File& file, const std::string& budget) {
  if (budget.empty()) return "/scheme";
  std::string others;
  for (const StoredBudget& one : stored_budgets(file)) {
    if (one.text == budget) return one.group;
    if (!one.text.empty()) others += (others.empty() ? "" : ", ") + one.text;
  }
  const std::string where = file.path().string();
  if (others.empty())
    throw InputError("the file has no budgets", where,
                     "leave --budget out, or name a searched.h5 that was made with search.budget");
  throw InputError("the file has no scheme for the budget " + budget + ", but for " + others, where,
                   "name one of these");
}

}  // namespace

std::string scheme_table(const fs::path& path, const std::string& budget) {
  const store::File file = open_whole(path);
  const quant::Scheme scheme = read_scheme(file, group_of(file, budget));
  if (scheme.entries.empty()) {
    throw InputError("the file holds no scheme", path.string(),
                     "name a searched.h5, finetuned.h5 or evaluation.h5");
  }
  return quant::to_table(scheme);
}

std::vector<std::string> diff(const fs::path& a, const fs::path& b) {
  const store::File first = open_whole(a), second = open_whole(b);
  return store::differences(first, second);
}

}  // namespace bitdarts::report
