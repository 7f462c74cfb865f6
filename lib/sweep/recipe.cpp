#include "sweep/recipe.hpp"

#include "chain/stages.hpp"
#include "core/hash.hpp"
#include "stage/descriptions.hpp"

namespace bitdarts::sweep {
namespace {

constexpr std::size_t hash_digits = 8;

}  // namespace

std::string recipe_name(const std::string& stage, const config::Config& config) {
  const stage::Description description = stage::describe(stage, config, "", "");
  Hasher hasher;
  hasher.text(stage).text(std::to_string(description.schema_version));
  hasher.text(config::result_options(config, description.sections));
  for (const std::string& extra : description.extra_key) hasher.text(extra);
  for (const stage::Input& input : description.inputs) {
    // The weights to begin with are a file of the user's: its name is among the options.
    const bool made_here = !input.own_lineage;
    hasher.text(input.name);
    if (made_here) hasher.text(recipe_name(chain::maker_of(input.name).name, config));
  }
  return stage + "-" + hasher.hex().substr(0, hash_digits);
}

}  // namespace bitdarts::sweep
