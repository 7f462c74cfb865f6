#include "sweep/recipe.hpp"

#include "core/hash.hpp"
#include "stage/descriptions.hpp"
#include "stage/stage.hpp"

namespace bitdarts::sweep {
namespace {

constexpr std::size_t hash_digits = 8;

stage::Description description_of(const std::string& stage, const config::Config& config) {
  if (stage == "pretrain") return stage::describe_pretrain(config, "");
  if (stage == "search") return stage::describe_search("");
  if (stage == "finetune") return stage::describe_finetune(config, "", stage::scheme_text(config.finetune));
  if (stage == "reference") return stage::describe_reference("");
  if (stage == "evaluate") return stage::describe_evaluate("", "");
  stage::Description tokens = stage::describe_tokenize({"seed " + std::to_string(config.run.seed)});
  tokens.sections = {"data", "tokenizer"};
  return tokens;
}

}  // namespace

std::string recipe_name(const std::string& stage, const config::Config& config) {
  const stage::Description description = description_of(stage, config);
  Hasher hasher;
  hasher.text(stage).text(std::to_string(description.schema_version));
  hasher.text(config::result_options(config, description.sections));
  for (const std::string& extra : description.extra_key) hasher.text(extra);
  for (const stage::Input& input : description.inputs) {
    // The weights to begin with are a file of the user's: its name is among the options.
    const bool made_here = !input.own_lineage;
    hasher.text(input.name);
    if (made_here) hasher.text(recipe_name(stage::stage_of(input.name), config));
  }
  return stage + "-" + hasher.hex().substr(0, hash_digits);
}

}  // namespace bitdarts::sweep
