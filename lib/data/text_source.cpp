#include "data/text_source.hpp"

#include <functional>
#include <sstream>
#include <utility>

#include "core/error.hpp"
#include "data/byte_source.hpp"
#include "data/text_check.hpp"
#include "data/text_files.hpp"
#include "data/text_index.hpp"

namespace bitdarts::data {

namespace fs = std::filesystem;

namespace {

// A path cannot contain NUL.
std::vector<fs::path> broadcast_paths(const std::vector<fs::path>& paths, const comm::Communicator& world) {
  std::string joined;
  for (const fs::path& path : paths) joined += path.native() + '\0';
  joined = world.broadcast_text(joined);
  std::vector<fs::path> all;
  for (std::size_t begin = 0; begin < joined.size();) {
    const std::size_t end = joined.find('\0', begin);
    all.emplace_back(joined.substr(begin, end - begin));
    begin = end + 1;
  }
  return all;
}

// All but the hashes of the text.
TextSource named_text(const config::Config& config, const Poll& poll) {
  if (config.data.text.empty()) {
    throw ConfigError("no text to tokenize", "data.text",
                      "name files, directories or globs: --data.text=FILE");
  }
  TextSource source;
  FoundFiles found = find_text_files(config.data.text, poll);
  source.files = std::move(found.files);
  source.left_out = std::move(found.left_out);
  for (const fs::path& file : source.files) {
    source.identities.push_back(identity_of(file));
    if (poll) poll();
  }
  if (!config.tokenizer.model.empty()) {
    source.identities.push_back(identity_of(config.tokenizer.model));
    source.model_hash = hash_file(config.tokenizer.model, poll);
  }
  return source;
}

}  // namespace

TextSource find_text(const config::Config& config) {
  TextSource source = named_text(config, {});
  for (const fs::path& file : source.files) {
    require_text(file, config.data);
    source.hashes.push_back(hash_file(file));
  }
  return source;
}

TextSource find_text(const config::Config& config, const Team& team) {
  TextSource source;
  work_together(team, [&](comm::StopPoll& poll) {
    if (team.world.root()) source = named_text(config, std::ref(poll));
  });
  source.files = broadcast_paths(source.files, team.world);
  source.model_hash = team.world.broadcast_text(source.model_hash);
  source.hashes = hash_files(source.files, config.data, team);
  return source;
}

void require_unchanged(const config::Config& config, const TextSource& source) {
  for (std::size_t i = 0; i < source.identities.size(); ++i) {
    const bool text = i < source.files.size();
    bitdarts::require_unchanged(text ? source.files[i] : fs::path(config.tokenizer.model),
                                source.identities[i]);
  }
}

std::vector<std::string> result_key(const config::Config& config, const TextSource& source) {
  std::ostringstream fractions;
  fractions.precision(17);
  fractions << "search_fraction " << config.data.search_fraction << " test_fraction "
            << config.data.test_fraction;
  std::vector<std::string> key{"document " + config.data.document, "json_field " + config.data.json_field,
                               fractions.str(), "seed " + std::to_string(config.run.seed)};
  // With `error` the records are all there, or there is no product.
  if (config.data.on_bad_record != "error") key.push_back("on_bad_record " + config.data.on_bad_record);
  if (source.model_hash.empty()) {
    key.push_back("vocab_size " + std::to_string(config.tokenizer.vocab_size));
    key.push_back("sample_megabytes " + std::to_string(config.tokenizer.sample_megabytes));
  } else {
    key.push_back("model " + source.model_hash);
  }
  for (std::size_t i = 0; i < source.files.size(); ++i) {
    const bool json = format_of(source.files[i]) == TextFormat::json_lines;
    const bool packed = is_packed(source.files[i]);
    key.push_back(std::string(json ? "json lines " : "text ") + (packed ? "packed " : "") + source.hashes[i]);
  }
  return key;
}

}  // namespace bitdarts::data
