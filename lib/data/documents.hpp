#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "data/byte_source.hpp"
#include "data/text_files.hpp"

namespace bitdarts::data {

/// What can be wrong with a record of JSON Lines.
enum class BadRecord : std::uint64_t { not_json, not_an_object, no_field, not_a_string };
/// "the JSON record has no field \"text\"".
std::string to_text(BadRecord fault, const std::string& field);

/// Records that were passed over, and the first of them.
struct SkippedRecords {
  std::uint64_t count = 0, first_line = 0;
  BadRecord first_fault = BadRecord::not_json;
};

/// The documents of one file, one at a time. Plain text and .gz are cut as `options.document` says, and every
/// byte belongs to a document: blank lines and line ends stay with the document before them (at the start of
/// a file: after them), CRLF and NUL are carried as they are, a last line needs no end. JSON Lines (see
/// format_of) gives one document per record; blank lines and empty texts give none. Empty files have no
/// documents.
class DocumentReader {
 public:
  /// `start`: an offset that next() has reported before, to go on from there. `poll` is called as long as
  /// bytes are read. InputError when the file cannot be read.
  DocumentReader(std::filesystem::path file, const config::DataOptions& options, std::uint64_t start = 0,
                 Poll poll = {});

  /// The next document and the offset in the (unpacked) file where it begins; false at the end.
  /// InputError with file and line (JSON) or offset (gzip) when damaged; with data.on_bad_record = skip a
  /// record that has no text in its field is passed over and counted.
  bool next(std::string& document, std::uint64_t& offset);
  const SkippedRecords& skipped() const { return skipped_; }

 private:
  bool next_whole_file(std::string& document, std::uint64_t& offset);
  bool next_lines(std::string& document, std::uint64_t& offset);
  bool next_record(std::string& document, std::uint64_t& offset);
  bool refill();
  bool append_line(std::string& line);

  std::filesystem::path file_;
  std::string cut_, json_field_;
  TextFormat format_;
  ByteSource source_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;  // of what is in buffer_ and not yet used
  std::uint64_t position_;           // in the file, of begin_
  std::uint64_t line_number_ = 0;
  std::string ahead_;  // the first line of the next document
  bool skip_bad_records_;
  SkippedRecords skipped_;
  Poll poll_;
};

/// Can documents of this file be found from any place on? Lines and paragraphs of plain text that is not
/// packed can.
bool can_start_anywhere(const std::filesystem::path& file, const config::DataOptions& options);
/// Where a document after `place` begins: not always the first, but always one that is found when the file is
/// read from its start. Nothing when none follows. Only where can_start_anywhere.
std::optional<std::uint64_t> document_after(const std::filesystem::path& file,
                                            const config::DataOptions& options, std::uint64_t place,
                                            const Poll& poll = {});

/// What identifies a document: a hash of its text without white space at the end, so that a paragraph is the
/// same document whether one blank line, two, a CRLF or nothing follows it.
struct DocumentKey {
  std::uint64_t high = 0, low = 0;
};
DocumentKey key_of(std::string_view document);

enum class Split { train, search, test };
const char* name_of(Split split);
/// Decided by a keyed hash of the document's content: the same document always falls in the same part,
/// whatever its place.
Split split_of(const DocumentKey& document, std::uint64_t seed, double search_fraction, double test_fraction);
Split split_of(std::string_view document, std::uint64_t seed, double search_fraction, double test_fraction);

}  // namespace bitdarts::data
