#include "data/text_index.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <numeric>
#include <set>
#include <utility>

#include "core/error.hpp"
#include "core/hash.hpp"
#include "core/random.hpp"

namespace bitdarts::data {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t block_bytes = std::uint64_t{1} << 16;

// Running hash of a block's document keys.
class BlockHash {
 public:
  void add(const DocumentKey& key) {
    const std::array<std::uint64_t, 2> words{key.high, key.low};
    hasher_.values(std::span<const std::uint64_t>(words));
  }
  std::uint64_t value() const { return hasher_.digest().high; }

 private:
  Hasher hasher_;
};

// A part of a file that one rank reads. Where documents can be found from any place on, a large file has
// several, which begin with the first document found after `begin` (0: with the file's) and end where the
// next begins.
struct Section {
  std::uint64_t file, begin, end;  // end: of the last of a file, what is beyond any file
  std::int64_t owner;              // the rank
};

constexpr std::uint64_t no_end = ~std::uint64_t{0};
constexpr std::uint64_t section_bytes = std::uint64_t{1}
                                        << 16;  // less is not worth finding a place in a file

// The largest first, each to the rank with the least to do.
void deal(std::vector<Section>& sections, const std::vector<std::uint64_t>& sizes, int ranks) {
  std::vector<std::size_t> order(sections.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto size_of = [&](std::size_t i) {
    return std::min(sections[i].end, sizes[sections[i].file]) - sections[i].begin;
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return size_of(a) > size_of(b); });
  std::vector<std::uint64_t> load(static_cast<std::size_t>(ranks), 0);
  for (const std::size_t i : order) {
    const auto least = std::min_element(load.begin(), load.end());
    *least += size_of(i) + 4096;  // opening a file costs too
    sections[i].owner = least - load.begin();
  }
}

// Which rank reads what. Decided once, on the root, so that file systems that disagree for a moment cannot
// make two ranks read the same, or none. `divisible(file)`: may it have several sections?
std::vector<Section> share_files(const std::vector<fs::path>& files, const comm::Communicator& world,
                                 const std::function<bool(const fs::path&)>& divisible) {
  std::vector<Section> sections;
  comm::together(world, [&] {
    if (!world.root()) return;
    std::vector<std::uint64_t> sizes(files.size());
    std::error_code error;
    for (std::size_t i = 0; i < files.size(); ++i) {
      sizes[i] = fs::file_size(files[i], error);
      if (error) throw InputError("cannot read the file: " + error.message(), files[i].string());
    }
    const auto ranks = static_cast<std::uint64_t>(world.size());
    const std::uint64_t all = std::accumulate(sizes.begin(), sizes.end(), std::uint64_t{0});
    const std::uint64_t most = std::max(section_bytes, (all + ranks - 1) / ranks);
    for (std::size_t i = 0; i < files.size(); ++i) {
      const std::uint64_t parts = divisible(files[i]) ? std::max<std::uint64_t>(1, sizes[i] / most) : 1;
      for (std::uint64_t part = 0; part < parts; ++part) {
        const std::uint64_t end = part + 1 == parts ? no_end : sizes[i] / parts * (part + 1);
        sections.push_back({i, sizes[i] / parts * part, end, 0});
      }
    }
    deal(sections, sizes, world.size());
  });
  std::uint64_t count = sections.size();
  world.broadcast_values(std::span(&count, 1));
  sections.resize(count);
  world.broadcast_values(std::span(sections));
  return sections;
}

struct Totals {
  std::array<std::uint64_t, 3> documents{}, bytes{};
};

// What is odd in a part of a file; goes between ranks as bytes.
struct Finding {
  std::uint64_t file;
  TextCounts counts;
  SkippedRecords skipped;
};

struct Scan {
  std::vector<TextBlock> blocks;
  std::vector<Finding> findings;
  std::set<std::pair<std::uint64_t, std::uint64_t>> kinds;  // keys, the first few
  Totals totals;
  std::vector<std::uint64_t> sample = std::vector<std::uint64_t>(TextIndex::sample_buckets, 0);
};

void scan_section(const fs::path& path, const Section& section, const config::DataOptions& options,
                  std::uint64_t seed, const Poll& poll, Scan& scan) {
  const std::uint64_t file = section.file;
  const auto begin = section.begin > 0 ? document_after(path, options, section.begin, poll) : 0;
  const auto end = section.end < no_end ? document_after(path, options, section.end, poll) : std::nullopt;
  if (!begin) return;
  const bool plain = format_of(path) == TextFormat::plain;
  Finding finding{file, {}, {}};
  TextBlock block{file, 0, 0, 0, 0};
  BlockHash hash;
  const auto close_block = [&] {
    if (block.documents == 0) return;
    block.hash = hash.value();
    scan.blocks.push_back(block);
    block = TextBlock{file, 0, 0, 0, 0};
    hash = BlockHash();
  };
  DocumentReader reader(path, options, *begin, poll);
  std::string document;
  std::uint64_t offset = 0;
  while (reader.next(document, offset) && offset < end.value_or(no_end)) {
    const DocumentKey key = key_of(document);
    const Split split = split_of(key, seed, options.search_fraction, options.test_fraction);
    const auto part = static_cast<std::size_t>(split);
    ++scan.totals.documents[part];
    scan.totals.bytes[part] += document.size();
    if (split == Split::train) scan.sample[sample_bucket(key, seed)] += document.size();
    if (scan.kinds.size() < TextIndex::fewest_kinds) scan.kinds.emplace(key.high, key.low);
    if (plain) finding.counts.add(document, offset);
    if (block.documents == 0) block.offset = offset;
    ++block.documents;
    block.bytes += document.size();
    hash.add(key);
    if (block.bytes >= block_bytes) close_block();
  }
  close_block();
  finding.skipped = reader.skipped();
  scan.findings.push_back(finding);
}

// Adds up what all ranks found in each file. InputError, the same on every rank, when a file is no text.
void collect_findings(const std::vector<Finding>& all, TextIndex& index) {
  index.oddities.resize(index.files.size());
  index.skipped.resize(index.files.size());
  for (const Finding& finding : all) {
    index.oddities[finding.file].add(finding.counts);
    if (finding.skipped.count > 0)
      index.skipped[finding.file] = finding.skipped;  // one rank reads such a file
  }
  for (std::size_t i = 0; i < index.files.size(); ++i)
    if (index.oddities[i].binary()) refuse_binary(index.files[i], index.oddities[i]);
}

void collect_kinds(const std::vector<DocumentKey>& all, TextIndex& index) {
  std::set<std::pair<std::uint64_t, std::uint64_t>> kinds;
  for (const DocumentKey& key : all) kinds.emplace(key.high, key.low);
  index.kinds = std::min(kinds.size(), TextIndex::fewest_kinds);
}

template <class T>
std::vector<T> all_values(const comm::Communicator& world, std::span<const T> mine) {
  std::vector<T> all;
  for (const std::vector<std::byte>& part : world.all_gather(std::as_bytes(mine))) {
    const std::size_t before = all.size();
    all.resize(before + part.size() / sizeof(T));
    if (!part.empty()) std::memcpy(all.data() + before, part.data(), part.size());
  }
  return all;
}

}  // namespace

std::size_t sample_bucket(const DocumentKey& document, std::uint64_t seed) {
  return KeyedRandom(seed, Stream::tokenizer_sample, document.high, document.low)
      .below(TextIndex::sample_buckets);
}

std::vector<std::string> hash_files(const std::vector<fs::path>& files, const config::DataOptions& options,
                                    const Team& team) {
  constexpr std::size_t digits = 32;
  const comm::Communicator& world = team.world;
  const std::vector<Section> whole = share_files(files, world, [](const fs::path&) { return false; });
  std::string mine;
  work_together(team, [&](comm::StopPoll& poll) {
    for (const Section& file : whole) {
      if (file.owner != world.rank()) continue;
      poll();
      require_text(files[file.file], options);
      mine += hash_file(files[file.file], std::ref(poll));
    }
  });
  const auto shares = world.all_gather(std::as_bytes(std::span(mine)));
  std::vector<std::size_t> used(shares.size(), 0);
  std::vector<std::string> hashes;
  for (const Section& file : whole) {
    const auto index = static_cast<std::size_t>(file.owner);
    hashes.emplace_back(reinterpret_cast<const char*>(shares[index].data()) + used[index], digits);
    used[index] += digits;
  }
  return hashes;
}

TextIndex index_text(const std::vector<fs::path>& files, const config::DataOptions& options,
                     std::uint64_t seed, const Team& team) {
  const comm::Communicator& world = team.world;
  const std::vector<Section> sections =
      share_files(files, world, [&](const fs::path& file) { return can_start_anywhere(file, options); });
  Scan scan;
  work_together(team, [&](comm::StopPoll& poll) {
    for (const Section& section : sections) {
      poll();
      if (section.owner == world.rank())
        scan_section(files[section.file], section, options, seed, std::ref(poll), scan);
    }
  });
  TextIndex index;
  index.files = files;
  index.blocks = all_values<TextBlock>(world, scan.blocks);
  std::sort(index.blocks.begin(), index.blocks.end(), [](const TextBlock& a, const TextBlock& b) {
    return a.file != b.file ? a.file < b.file : a.offset < b.offset;
  });
  for (const Totals& totals : all_values<Totals>(world, std::span<const Totals>(&scan.totals, 1))) {
    for (std::size_t part = 0; part < 3; ++part) {
      index.documents[part] += totals.documents[part];
      index.bytes[part] += totals.bytes[part];
    }
  }
  collect_findings(all_values<Finding>(world, scan.findings), index);
  std::vector<DocumentKey> kinds;
  for (const auto& [high, low] : scan.kinds) kinds.push_back({high, low});
  collect_kinds(all_values<DocumentKey>(world, kinds), index);
  if (index.blocks.empty()) {
    const std::string more = files.size() > 1 ? " and " + std::to_string(files.size() - 1) + " more" : "";
    const std::uint64_t skipped = index.skipped_records();
    throw InputError(
        "the text is empty" + (skipped > 0
                                   ? ": all its " + std::to_string(skipped) +
                                         " JSON records were skipped, for they have no text in the field \"" +
                                         options.json_field + "\""
                                   : ""),
        "data.text = " + files.front().string() + more,
        skipped > 0 ? "name the field that holds the text with data.json_field" : "");
  }
  index.train_sample_bytes.assign(TextIndex::sample_buckets, 0);
  const std::vector<std::uint64_t> samples = all_values<std::uint64_t>(world, scan.sample);
  for (std::size_t i = 0; i < samples.size(); ++i)
    index.train_sample_bytes[i % TextIndex::sample_buckets] += samples[i];
  return index;
}

BlockReader::BlockReader(const TextIndex& index, const config::DataOptions& options, Poll poll)
    : index_(index), options_(options), poll_(std::move(poll)) {}

void BlockReader::read(
    std::size_t block_index,
    const std::function<void(const std::string&, const DocumentKey&, std::uint64_t)>& visit) {
  const TextBlock& block = index_.blocks[block_index];
  const fs::path& file = index_.files[block.file];
  const bool goes_on = reader_ && next_ == block_index && index_.blocks[block_index - 1].file == block.file;
  if (!goes_on) reader_ = std::make_unique<DocumentReader>(file, options_, block.offset, poll_);
  BlockHash hash;
  std::string document;
  std::uint64_t offset = 0;
  for (std::uint64_t i = 0; i < block.documents && reader_->next(document, offset); ++i) {
    const DocumentKey key = key_of(document);
    hash.add(key);
    visit(document, key, offset);
  }
  if (hash.value() != block.hash) {
    throw InputError("the text changed while it was read",
                     file.string() + ", from byte " + std::to_string(block.offset),
                     "run again when nothing writes to it");
  }
  next_ = block_index + 1;
}

}  // namespace bitdarts::data
