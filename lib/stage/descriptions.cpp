#include "stage/descriptions.hpp"

#include <cstdio>
#include <fstream>
#include <sstream>

#include "config/scheme_word.hpp"
#include "core/byte_order_mark.hpp"
#include "core/error.hpp"

namespace bitdarts::stage {
namespace {

// Seventeen digits tell any two doubles apart.
std::string exactly(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

Input tokens(const fs::path& folder) { return {"tokens", folder / "tokens.h5", tokens_schema}; }
Input pretrained(const fs::path& folder) {
  return {"pretrained", folder / "pretrained.h5", pretrained_schema};
}
Input searched(const fs::path& folder) { return {"searched", folder / "searched.h5", searched_schema}; }

fs::path baseline(const fs::path& in, const std::string& scheme) {
  return in / "baselines" / config::baseline_folder(scheme);
}
Input searched_for(const config::SchemeWord& word, const fs::path& in) {
  if (word.kind != config::SchemeWord::Kind::strategy) return searched(in);
  const std::string strategy = config::to_text(word.strategy);
  Input input = searched(baseline(in, strategy));
  input.command = "bitdarts-search --out " + baseline(in, strategy).string() + " --in " + in.string() +
                  " --search.strategy=" + strategy;
  return input;
}
Input finetuned(const fs::path& folder) { return {"finetuned", folder / "finetuned.h5", finetuned_schema}; }

}  // namespace

Description describe_tokenize(const std::vector<std::string>& text_facts) {
  return {.name = "tokenize",
          .schema_version = tokens_schema,
          .product = "tokens.h5",
          .sections = {},  // text_facts have the few options that matter here
          .inputs = {},
          .extra_key = text_facts};
}

Description describe_pretrain(const config::Config& config, const fs::path& in) {
  Description description{.name = "pretrain",
                          .schema_version = pretrained_schema,
                          .product = "pretrained.h5",
                          .sections = {"model", "pretrain", "run"},
                          .inputs = {tokens(in)},
                          .extra_key = {}};
  const std::string& initial = config.pretrain.initial;
  if (!initial.empty()) {
    // Training may go on with another text.
    description.inputs.push_back(
        {.name = "pretrained", .path = initial, .schema_version = pretrained_schema, .own_lineage = true});
  }
  return description;
}

Description describe_search(const fs::path& in) {
  return {.name = "search",
          .schema_version = searched_schema,
          .product = "searched.h5",
          .sections = {"search", "run"},
          .inputs = {tokens(in), pretrained(in)},
          .extra_key = {}};
}

Description describe_finetune(const config::Config& config, const fs::path& in, const std::string& scheme) {
  Description description{
      .name = "finetune",
      .schema_version = finetuned_schema,
      .product = "finetuned.h5",
      .sections = {"finetune", "run"},
      .inputs = {tokens(in), pretrained(in)},
      .extra_key = {scheme, config.search.weight_scale, config.search.quantize_head ? "head" : "",
                    config.search.tie, std::to_string(config.search.calibration_sequences),
                    exactly(config.search.clip_decay)}};
  const config::SchemeWord word = config::read_scheme_word(config.finetune.scheme);
  if (uses_search(config.finetune)) description.inputs.push_back(searched_for(word, in));
  // A search of several budgets holds the scheme of each.
  if (word.is_found() && word.budget.empty() && !config.search.budget.empty())
    description.extra_key.push_back("budget " + config.search.budget.front());
  if (word.kind != config::SchemeWord::Kind::best) return description;
  for (const std::string& other : config::baselines_of(config)) {
    Input input = finetuned(baseline(in, other));
    input.command = "bitdarts-finetune --out " + baseline(in, other).string() + " --in " + in.string() +
                    " --finetune.scheme=" + other;
    input.name += "-" + config::baseline_folder(other);
    description.inputs.push_back(std::move(input));
  }
  // Which of them are within the budget is found out here.
  description.extra_key.push_back(config.search.cost);
  description.extra_key.push_back(config.search.budget.empty() ? "" : config.search.budget.front());
  return description;
}

Description describe_reference(const fs::path& in) {
  return {.name = "reference",
          .schema_version = reference_schema,
          .product = "reference.h5",
          .sections = {"evaluate", "run"},
          .inputs = {tokens(in), pretrained(in)},
          .extra_key = {}};
}

Description describe_evaluate(const fs::path& in, const fs::path& out) {
  return {.name = "evaluate",
          .schema_version = evaluation_schema,
          .product = "evaluation.h5",
          .sections = {"evaluate", "run"},
          .inputs = {tokens(in), pretrained(in), finetuned(out)},
          .extra_key = {}};
}

std::string scheme_text(const config::FinetuneOptions& options, const std::string& option) {
  const config::SchemeWord word = config::read_scheme_word(options.scheme);
  if (word.kind != config::SchemeWord::Kind::file) return word.text;
  std::ifstream file(options.scheme, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    throw ConfigError("the scheme file cannot be read", option + "=" + options.scheme,
                      config::nearest_scheme_word(
                          options.scheme,
                          "give searched, best, a strategy (darts, sensitivity, fisher, uniform, random:N), "
                          "uniform:METHOD:wXaY, or a readable table (bitdarts-inspect --scheme prints one)"));
  }
  std::string table = text.str();
  if (begins_as_utf16(table))
    throw ConfigError("the scheme file is UTF-16, and must be UTF-8", option + "=" + options.scheme,
                      "save it as UTF-8, or convert it: iconv -f UTF-16 -t UTF-8 FILE > NEW");
  if (table.starts_with(byte_order_mark)) table.erase(0, byte_order_mark.size());
  return table;
}

bool uses_search(const config::FinetuneOptions& options) {
  const config::SchemeWord word = config::read_scheme_word(options.scheme);
  return word.is_found() || (options.from == "searched" && word.kind != config::SchemeWord::Kind::best);
}

}  // namespace bitdarts::stage
