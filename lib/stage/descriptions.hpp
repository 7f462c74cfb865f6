#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "chain/stages.hpp"
#include "config/config.hpp"

namespace bitdarts::stage {

namespace fs = std::filesystem;

// What each stage is, seen from outside: by the stage itself, and by bitdarts-status, which does not load
// what the stage works with. The facts are those of chain::stages(); where one stage needs more than its row,
// it is said here.

/// One input product of a stage.
struct Input {
  std::string name;  ///< "tokens": the stage that makes it is looked up from the name (chain::maker_of), up
                     ///< to a '-' that tells several of one kind apart ("finetuned-sensitivity")
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

/// The inputs of a stage, there or not: what each scheme has of its own lies in `out`, the rest in `in`. A
/// finetuning takes the searched.h5 of its scheme's search: of the pipeline itself, or of a strategy in
/// baselines/, or none (uses_search). With finetune.scheme = best it takes the finetuned.h5 of every
/// config::baselines_of(), in this order. Pretraining has one more, where pretrain.initial names it.
std::vector<Input> inputs_of(const std::string& stage, const config::Config& config, const fs::path& in,
                             const fs::path& out);

/// A stage with this configuration. May read a scheme file (ConfigError, see scheme_text). Of tokenize, which
/// depends on a text that is not looked at here, it is the part that its options have: see describe_tokenize.
/// What reference.h5 holds changes no bit of an evaluation, so it is none of its inputs: see Run::at_hand.
Description describe(const std::string& stage, const config::Config& config, const fs::path& in,
                     const fs::path& out);
/// `text_facts`: what the tokens depend on, options included (data::result_key).
Description describe_tokenize(const std::vector<std::string>& text_facts);

/// What finetune.scheme stands for: the word itself, or the text of the file that it names, for the same path
/// with another table is another product. ConfigError, about `option`, when the file cannot be read.
std::string scheme_text(const config::FinetuneOptions& options,
                        const std::string& option = "finetune.scheme");
/// Is a searched.h5 an input: for the scheme, or for the weights to start from?
bool uses_search(const config::FinetuneOptions& options);

}  // namespace bitdarts::stage
