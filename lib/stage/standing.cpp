#include "stage/standing.hpp"

#include "core/hash.hpp"
#include "stage/stage.hpp"

namespace bitdarts::stage {

store::InputRecord verified(const Input& input) {
  std::string hash;
  const std::string maker = input.stage.empty() ? stage_of(input.name) : input.stage;
  store::open_product(input.path, maker, input.schema_version, &hash);
  return {input.name, input.path.string(), hash};
}

std::string key_of(const config::Config& config, const Description& description,
                   const std::vector<store::InputRecord>& inputs) {
  Hasher hasher;
  hasher.text(description.name).text(std::to_string(description.schema_version));
  hasher.text(config::result_options(config, description.sections));
  for (const store::InputRecord& input : inputs) hasher.text(input.name).text(input.content_hash);
  for (const std::string& extra : description.extra_key) hasher.text(extra);
  return hasher.hex();
}

Standing standing_of(const fs::path& product, const std::string& stage, const std::string& key) {
  using Kind = Standing::Kind;
  std::error_code ignored;
  if (!fs::exists(product, ignored)) return {Kind::missing};
  const store::Verdict verdict = store::verify(product);
  if (!verdict.whole) return {Kind::damaged, verdict.reason};
  if (verdict.provenance.key != key || verdict.provenance.stage != stage) return {Kind::stale};
  return {Kind::up_to_date, {}, verdict.content_hash};
}

}  // namespace bitdarts::stage
