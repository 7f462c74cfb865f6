#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "config/config.hpp"

namespace bitdarts::stage {

namespace fs = std::filesystem;

// What each stage is, seen from outside: by the stage itself, and by bitdarts-status, which does not load
// what the stage works with.

/// One input product of a stage.
struct Input {
  std::string name;  ///< "tokens": the stage that makes it is looked up from the name, up to a '-' that
                     ///< tells several of one kind apart ("finetuned-sensitivity")
  fs::path path;
  std::int64_t schema_version = 1;
  bool own_lineage = false;  ///< may come from other tokens or weights than the stage's other inputs
  std::string command{};     ///< what makes it, where that is not just its stage with the same --out
};

/// The facts that make a stage's product what it is.
struct Description {
  std::string name;  ///< "search"
  std::int64_t schema_version = 1;
  std::string product;                 ///< "searched.h5"
  std::vector<std::string> sections;   ///< config sections whose options change the result
  std::vector<Input> inputs;           ///< other products
  std::vector<std::string> extra_key;  ///< further text that changes the result (of a scheme file first, ...)
};

inline constexpr std::int64_t tokens_schema = 1, pretrained_schema = 1, searched_schema = 1,
                              finetuned_schema = 1, reference_schema = 1, evaluation_schema = 1;

/// `text_facts`: what the tokens depend on, options included (data::result_key).
Description describe_tokenize(const std::vector<std::string>& text_facts);
Description describe_pretrain(const config::Config& config, const fs::path& in);
Description describe_search(const fs::path& in);
/// `scheme` is the scheme_text() of config.finetune. searched.h5 is that of the scheme's search: of the
/// pipeline itself, or of a strategy in baselines/. finetune.scheme = best takes the finetuned.h5 of every
/// config::baselines_of(), in this order, and no searched.h5.
Description describe_finetune(const config::Config& config, const fs::path& in, const std::string& scheme);
Description describe_reference(const fs::path& in);
/// The finetuned model lies in `out`, the others in `in`. What reference.h5 holds changes no bit of the
/// evaluation, so it is none of its inputs: see Run::at_hand.
Description describe_evaluate(const fs::path& in, const fs::path& out);

/// What finetune.scheme stands for: the word itself, or the text of the file that it names, for the same path
/// with another table is another product. ConfigError, about `option`, when the file cannot be read.
std::string scheme_text(const config::FinetuneOptions& options,
                        const std::string& option = "finetune.scheme");
/// Is a searched.h5 an input: for the scheme, or for the weights to start from?
bool uses_search(const config::FinetuneOptions& options);

}  // namespace bitdarts::stage
