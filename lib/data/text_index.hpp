#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "data/documents.hpp"
#include "data/team.hpp"
#include "data/text_check.hpp"

namespace bitdarts::data {

/// Consecutive documents of one file: what one rank encodes at a time.
struct TextBlock {
  std::uint64_t file;    ///< index into TextIndex::files
  std::uint64_t offset;  ///< where its first document begins
  std::uint64_t documents, bytes;
  std::uint64_t hash;  ///< of its document keys: notices when the file changes between two readings
};

/// What there is to encode, the same on every rank. Its size grows with the text by a few hundred bytes per
/// megabyte, not with the number of documents.
struct TextIndex {
  /// A document's bucket is drawn from its key: the tokenizer trains on the documents of the first few
  /// buckets.
  static constexpr std::size_t sample_buckets = 4096;

  std::vector<std::filesystem::path> files;
  std::vector<TextBlock> blocks;                      ///< in the order of files and offsets
  std::array<std::uint64_t, 3> documents{}, bytes{};  ///< per Split
  std::vector<std::uint64_t> train_sample_bytes;      ///< of the train part, per bucket
  std::vector<TextCounts> oddities;                   ///< of each file; of JSON Lines nothing
  std::vector<SkippedRecords> skipped;                ///< of each file
  /// Documents with a text of their own, of the text that has fewest_kinds or more: that many.
  static constexpr std::size_t fewest_kinds = 64;
  std::size_t kinds = 0;

  std::uint64_t all_documents() const { return documents[0] + documents[1] + documents[2]; }
  std::uint64_t skipped_records() const;
};
/// What a person should know of the text, a sentence each: records that were skipped, bytes that are not
/// UTF-8, control characters.
std::vector<std::string> remarks(const TextIndex& index, const config::DataOptions& options);
/// Why one of the parts has no documents, and what to do.
std::string why_empty(const TextIndex& index);

std::size_t sample_bucket(const DocumentKey& document, std::uint64_t seed);

/// Hash of each file's content, in the order of `files`. Each rank reads a share of about the same size.
/// InputError when one is not what its name says (require_text). Collective.
std::vector<std::string> hash_files(const std::vector<std::filesystem::path>& files,
                                    const config::DataOptions& options, const Team& team);

/// Reads every document once, each rank a share of the files, and of large ones where documents can be found
/// from any place on. Collective; on all ranks InputError when one file is damaged or no text, Interrupted
/// when a signal came.
TextIndex index_text(const std::vector<std::filesystem::path>& files, const config::DataOptions& options,
                     std::uint64_t seed, const Team& team);

/// Reads blocks of the index; a block that follows the one before is read on from there.
class BlockReader {
 public:
  /// `poll` is called as long as bytes are read.
  BlockReader(const TextIndex& index, const config::DataOptions& options, Poll poll = {});
  /// Calls `visit(document, key, offset)` for each document of index.blocks[block]. InputError when the file
  /// has changed.
  void read(std::size_t block,
            const std::function<void(const std::string&, const DocumentKey&, std::uint64_t)>& visit);

 private:
  const TextIndex& index_;
  const config::DataOptions& options_;
  Poll poll_;
  std::unique_ptr<DocumentReader> reader_;
  std::size_t next_ = 0;  // the block that reader_ stands before
};

}  // namespace bitdarts::data
