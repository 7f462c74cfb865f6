#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "comm/communicator.hpp"
#include "config/config.hpp"
#include "core/file_identity.hpp"
#include "data/team.hpp"

namespace bitdarts::data {

/// The text that the options name, and what identifies it wherever it lies.
struct TextSource {
  std::vector<std::filesystem::path> files;  ///< sorted
  std::vector<std::string> hashes;           ///< of each file's bytes
  std::string model_hash;                    ///< of tokenizer.model; empty when a model is trained
  /// Of `files` and then the model, before they were hashed; where the text was looked for (on the root).
  std::vector<FileIdentity> identities;
  std::vector<std::string> left_out;  ///< what data.text leaves out, a sentence each; on the root
};
/// InputError when one of the files was removed, replaced or changed since. Where the text was looked for.
void require_unchanged(const config::Config& config, const TextSource& source);
/// Looks for the files and reads each once. ConfigError when data.text is empty, InputError when one is not
/// what its name says (require_text).
TextSource find_text(const config::Config& config);
/// The same, shared by the ranks; the root looks for the files. Interrupted when a signal came. Collective.
TextSource find_text(const config::Config& config, const Team& team);

/// What the tokens depend on, one fact a line: options, file formats and contents; no path, no number of
/// ranks.
std::vector<std::string> result_key(const config::Config& config, const TextSource& source);

}  // namespace bitdarts::data
