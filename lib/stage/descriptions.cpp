#include "stage/descriptions.hpp"

#include <fstream>
#include <sstream>

#include "chain/places.hpp"
#include "config/scheme_word.hpp"
#include "core/byte_order_mark.hpp"
#include "core/error.hpp"

namespace bitdarts::stage {
namespace {

Input input_in(const fs::path& folder, const std::string& product) {
  const chain::Stage& maker = chain::maker_of(product);
  return {product, folder / chain::file_of(maker), maker.schema_version};
}

fs::path place_of(const fs::path& in, const std::string& scheme) {
  return chain::baseline_place(in, config::baseline_folder(scheme));
}

// Made by `stage` in the folder of a scheme or a strategy, with this option.
Input input_of_scheme(const std::string& stage, const fs::path& in, const std::string& scheme,
                      const std::string& option) {
  const chain::Stage& maker = chain::stage_called(stage);
  const fs::path folder = place_of(in, scheme);
  Input input = input_in(folder, maker.product);
  input.command = chain::program_of(maker) + " --out " + folder.string() + " --in " + in.string() + " --" +
                  option + "=" + scheme;
  return input;
}

Input searched_for(const config::SchemeWord& word, const fs::path& in) {
  if (word.kind != config::SchemeWord::Kind::strategy) return input_in(in, "searched");
  return input_of_scheme("search", in, config::to_text(word.strategy), "search.strategy");
}

void add_inputs_of_finetune(const config::Config& config, const fs::path& in, std::vector<Input>& inputs) {
  const config::SchemeWord word = config::read_scheme_word(config.finetune.scheme);
  if (uses_search(config.finetune)) inputs.push_back(searched_for(word, in));
  if (word.kind != config::SchemeWord::Kind::best) return;
  for (const std::string& other : config::baselines_of(config)) {
    inputs.push_back(input_of_scheme("finetune", in, other, "finetune.scheme"));
    inputs.back().name += "-" + config::baseline_folder(other);
  }
}

std::vector<std::string> extra_key_of_finetune(const config::Config& config) {
  std::vector<std::string> key{scheme_text(config.finetune)};
  const config::SchemeWord word = config::read_scheme_word(config.finetune.scheme);
  const auto& budgets = config.search.budget;
  // A search of several budgets holds the scheme of each.
  if (word.is_found() && word.budget.empty() && !budgets.empty()) key.push_back("budget " + budgets.front());
  if (word.kind != config::SchemeWord::Kind::best) return key;
  // Which of them are within the budget is found out here.
  key.push_back(config.search.cost);
  key.push_back(budgets.empty() ? "" : budgets.front());
  return key;
}

}  // namespace

std::vector<Input> inputs_of(const std::string& name, const config::Config& config, const fs::path& in,
                             const fs::path& out) {
  const chain::Stage& stage = chain::stage_called(name);
  std::vector<Input> inputs;
  for (const std::string& product : stage.inputs) {
    if (name == "finetune" && product == "searched") {
      add_inputs_of_finetune(config, in, inputs);
      continue;
    }
    const bool of_this_scheme = chain::maker_of(product).times == chain::Stage::Times::per_scheme;
    inputs.push_back(input_in(of_this_scheme ? out : in, product));
  }
  if (name == "pretrain" && !config.pretrain.initial.empty()) {
    // Training may go on with another text.
    inputs.push_back({.name = "pretrained",
                      .path = config.pretrain.initial,
                      .schema_version = stage.schema_version,
                      .own_lineage = true});
  }
  return inputs;
}

Description describe(const std::string& name, const config::Config& config, const fs::path& in,
                     const fs::path& out) {
  const chain::Stage& stage = chain::stage_called(name);
  Description description{.name = stage.name,
                          .schema_version = stage.schema_version,
                          .product = chain::file_of(stage),
                          .sections = stage.sections,
                          .inputs = inputs_of(name, config, in, out),
                          .extra_key = {}};
  if (name == "tokenize") description.extra_key = {"seed " + std::to_string(config.run.seed)};
  if (name == "finetune") description.extra_key = extra_key_of_finetune(config);
  return description;
}

Description describe_tokenize(const std::vector<std::string>& text_facts) {
  Description description = describe("tokenize", {}, {}, {});
  description.sections = {};  // text_facts have the few options that matter here
  description.extra_key = text_facts;
  return description;
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
