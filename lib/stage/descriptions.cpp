#include "stage/descriptions.hpp"

#include <cstdio>
#include <fstream>
#include <sstream>

#include "config/syntax.hpp"
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
  if (uses_search(config.finetune)) description.inputs.push_back(searched(in));
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

std::string scheme_text(const config::FinetuneOptions& options) {
  if (options.scheme == "searched" || config::is_uniform_scheme(options.scheme)) return options.scheme;
  std::ifstream file(options.scheme, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    throw ConfigError(
        "the scheme file cannot be read", "finetune.scheme=" + options.scheme,
        "give 'searched', 'uniform:METHOD:wXaY' or a readable table (bitdarts-inspect --scheme prints one)");
  }
  return text.str();
}

bool uses_search(const config::FinetuneOptions& options) {
  return options.scheme == "searched" || options.from == "searched";
}

}  // namespace bitdarts::stage
