#include "stage/standing.hpp"

#include "core/error.hpp"
#include "core/hash.hpp"

namespace bitdarts::stage {

store::InputRecord verified(const Input& input) {
  std::string hash;
  std::error_code ignored;
  if (!input.command.empty() && !fs::exists(input.path, ignored))
    throw InputError("the file does not exist", input.path.string(),
                     "run " + input.command + " first (pipelines/run does)");
  store::open_product(input.path, chain::maker_of(input.name).name, input.schema_version, &hash);
  return {input.name, input.path.string(), hash};
}

void require_same_lineage(const Description& description, const std::vector<store::InputRecord>& records) {
  for (const Input& input : description.inputs) {
    if (input.own_lineage) continue;
    const auto provenance = store::read_provenance(store::File::open(input.path));
    for (const store::InputRecord& ancestor : provenance.inputs)
      for (std::size_t i = 0; i < records.size(); ++i)
        if (records[i].name == ancestor.name && records[i].content_hash != ancestor.content_hash &&
            !description.inputs[i].own_lineage)
          throw InputError(
              input.path.string() + " was made from another " + ancestor.name + ".h5 than the one that " +
                  description.name + " takes beside it",
              records[i].path,
              "run bitdarts-" + provenance.stage +
                  " again; a scheme alone can be carried over as a table (bitdarts-inspect --scheme)");
  }
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
