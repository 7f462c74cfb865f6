// What a person should know of an indexed text.
#include <numeric>

#include "data/text_index.hpp"

namespace bitdarts::data {
namespace {

std::string files(std::size_t count) { return std::to_string(count) + (count == 1 ? " file" : " files"); }

// One kind of oddity over all files: how much of it, in how many files, and where it begins.
struct Oddity {
  std::uint64_t count = 0;
  std::size_t files = 0;
  std::string first;

  void add(std::uint64_t more, const std::string& place) {
    if (more == 0) return;
    if (files++ == 0) first = place;
    count += more;
  }
  std::string where() const { return " in " + data::files(files) + " (the first: " + first + ")"; }
};

std::string at_byte(const std::filesystem::path& file, std::uint64_t offset) {
  return file.string() + ", byte " + std::to_string(offset);
}

}  // namespace

std::uint64_t TextIndex::skipped_records() const {
  return std::accumulate(skipped.begin(), skipped.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const SkippedRecords& one) { return sum + one.count; });
}

std::vector<std::string> remarks(const TextIndex& index, const config::DataOptions& options) {
  Oddity bad_records, malformed, controls;
  for (std::size_t i = 0; i < index.files.size(); ++i) {
    const SkippedRecords& skipped = index.skipped[i];
    const TextCounts& counts = index.oddities[i];
    bad_records.add(skipped.count, index.files[i].string() + ", line " + std::to_string(skipped.first_line) +
                                       ": " + to_text(skipped.first_fault, options.json_field));
    malformed.add(counts.malformed, at_byte(index.files[i], counts.first_malformed));
    controls.add(counts.controls, at_byte(index.files[i], counts.first_control));
  }
  std::vector<std::string> all;
  if (bad_records.count > 0)
    all.push_back(std::to_string(bad_records.count) + " JSON records were skipped" + bad_records.where());
  if (malformed.count > 0)
    all.push_back(std::to_string(malformed.count) + " bytes are not UTF-8" + malformed.where() +
                  "; they are learned as single bytes; convert a text in another encoding before (iconv -f "
                  "LATIN1 -t UTF-8 FILE > NEW)");
  if (controls.count > 0)
    all.push_back(std::to_string(controls.count) + " control characters, such as NUL, are learned as text" +
                  controls.where());
  return all;
}

std::string why_empty(const TextIndex& index) {
  const std::uint64_t all = index.all_documents();
  if (index.kinds < all && index.kinds < TextIndex::fewest_kinds)
    return "the " + std::to_string(all) + " documents are copies of " +
           (index.kinds == 1 ? "one" : std::to_string(index.kinds)) +
           ", and equal documents are always in the same part; give text with different documents, or cut it "
           "otherwise (data.document)";
  return std::to_string(all) + (all == 1 ? " document is" : " documents are") +
         " few; data.document = paragraph or line makes more";
}

}  // namespace bitdarts::data
