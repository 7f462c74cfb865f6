// The parallel half of tokenize: the ranks encode, the root collects.
#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>

#include "core/error.hpp"
#include "data/tokenize.hpp"

namespace bitdarts::data {

namespace {

// The blocks [first, last) of a rank: those whose middle lies in its part of the bytes.
struct Stretch {
  std::size_t first, last;
};
std::vector<Stretch> share_blocks(const std::vector<TextBlock>& blocks, int ranks) {
  std::uint64_t total = 0;
  for (const TextBlock& block : blocks) total += block.bytes;
  std::vector<Stretch> shares;
  std::size_t next = 0;
  std::uint64_t before = 0;
  for (int rank = 0; rank < ranks; ++rank) {
    const double end = static_cast<double>(total) * (rank + 1) / ranks;
    const std::size_t first = next;
    while (next < blocks.size() &&
           (rank + 1 == ranks ||
            static_cast<double>(before) + static_cast<double>(blocks[next].bytes) / 2 < end)) {
      before += blocks[next++].bytes;
    }
    shares.push_back({first, next});
  }
  return shares;
}

// The values of all ranks in rank order, on the root. Each rank's own are freed as they go.
template <class T>
std::vector<T> collect(const comm::Communicator& world, std::vector<T> mine) {
  constexpr std::size_t chunk = std::size_t{1} << 30;  // bytes; MPI counts are 32 bits wide
  const std::uint64_t size = mine.size();
  const auto sizes = world.all_gather(std::as_bytes(std::span(&size, 1)));
  std::vector<std::uint64_t> counts(sizes.size());
  for (std::size_t i = 0; i < sizes.size(); ++i)
    std::copy_n(sizes[i].data(), sizeof size, reinterpret_cast<std::byte*>(&counts[i]));
  const std::uint64_t total = std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
  comm::together(world, [&] {  // the one large allocation: all fail together when it does
    if (world.root()) mine.reserve(total);
  });
  if (!world.root()) {
    const auto bytes = std::as_bytes(std::span<const T>(mine));
    for (std::size_t sent = 0; sent < bytes.size(); sent += chunk) {
      const auto part = bytes.subspan(sent, std::min(chunk, bytes.size() - sent));
      BITDARTS_MPI(MPI_Send(part.data(), static_cast<int>(part.size()), MPI_BYTE, 0, 0, world.handle()));
    }
    return {};
  }
  mine.resize(total);
  auto rest = std::as_writable_bytes(std::span(mine)).subspan(counts[0] * sizeof(T));
  for (int rank = 1; rank < world.size(); ++rank) {
    for (std::size_t left = counts[static_cast<std::size_t>(rank)] * sizeof(T); left > 0;) {
      const std::size_t part = std::min(chunk, left);
      BITDARTS_MPI(MPI_Recv(rest.data(), static_cast<int>(part), MPI_BYTE, rank, 0, world.handle(),
                            MPI_STATUS_IGNORE));
      rest = rest.subspan(part);
      left -= part;
    }
  }
  return mine;
}

template <class Id>
struct EncodedPart {
  std::vector<Id> tokens;
  std::vector<std::uint64_t> lengths, bytes;  // per document: tokens with the document end, bytes
};
template <class Id>
using EncodedShare = std::array<EncodedPart<Id>, 3>;

template <class Id>
class Encoder {
 public:
  Encoder(const TextIndex& index, const Tokenizer& tokenizer, const config::Config& config, const Poll& poll)
      : index_(index),
        tokenizer_(tokenizer),
        config_(config),
        poll_(poll),
        reader_(index, config.data, poll) {}

  void encode_block(std::size_t block) {
    const std::string file = index_.files[index_.blocks[block].file].string();
    reader_.read(block, [&](const std::string& document, const DocumentKey& key, std::uint64_t offset) {
      const Split split = split_of(key, static_cast<std::uint64_t>(config_.run.seed),
                                   config_.data.search_fraction, config_.data.test_fraction);
      EncodedPart<Id>& part = share_[static_cast<std::size_t>(split)];
      const std::vector<std::int32_t> tokens = encode(document, file, offset);
      for (const std::int32_t token : tokens) part.tokens.push_back(static_cast<Id>(token));
      part.tokens.push_back(static_cast<Id>(tokenizer_.document_end()));
      part.lengths.push_back(tokens.size() + 1);
      part.bytes.push_back(document.size());
    });
  }

  EncodedShare<Id> take() { return std::move(share_); }

 private:
  std::vector<std::int32_t> encode(const std::string& document, const std::string& file,
                                   std::uint64_t offset) const {
    try {
      return tokenizer_.encode(document, poll_);
    } catch (const UnencodableText& error) {
      const bool json = format_of(file) == TextFormat::json_lines;
      const std::string where = json ? ", record at byte " + std::to_string(offset) + ", byte " +
                                           std::to_string(error.offset()) + " of its text"
                                     : ", byte " + std::to_string(offset + error.offset());
      throw InputError(
          error.what(), file + where,
          "use a model trained with --byte_fallback=true, or leave tokenizer.model empty to train one");
    }
  }

  const TextIndex& index_;
  const Tokenizer& tokenizer_;
  const config::Config& config_;
  Poll poll_;
  BlockReader reader_;
  EncodedShare<Id> share_;
};

template <class Id>
EncodedShare<Id> encode_share(const TextIndex& index, const Tokenizer& tokenizer,
                              const config::Config& config, const Team& team) {
  const std::vector<Stretch> shares = share_blocks(index.blocks, team.world.size());
  const Stretch mine = shares[static_cast<std::size_t>(team.world.rank())];
  // The bar shows the root's share in blocks; the rate is its own times the ranks.
  Progress progress(team.console, "encoding", static_cast<std::int64_t>(mine.last - mine.first));
  EncodedShare<Id> share;
  work_together(team, [&](comm::StopPoll& poll) {
    Encoder<Id> encoder(index, tokenizer, config, std::ref(poll));
    double megabytes = 0;
    for (std::size_t block = mine.first; block < mine.last; ++block) {
      encoder.encode_block(block);
      megabytes += static_cast<double>(index.blocks[block].bytes) * team.world.size() / 1e6;
      progress.update(static_cast<std::int64_t>(block + 1 - mine.first), {}, megabytes, "MB");
    }
    share = encoder.take();
  });
  progress.finish();
  return share;
}

template <class Id>
TokenizedText encode_as(const TextIndex& index, const Tokenizer& tokenizer, const config::Config& config,
                        const Team& team) {
  EncodedShare<Id> share = encode_share<Id>(index, tokenizer, config, team);
  TokenizedText text;
  for (std::size_t i = 0; i < share.size(); ++i) {
    TokenizedPart& part = text.parts[i];
    part.tokens = collect(team.world, std::move(share[i].tokens));
    part.bytes = collect(team.world, std::move(share[i].bytes));
    const std::vector<std::uint64_t> lengths = collect(team.world, std::move(share[i].lengths));
    part.begin.assign(1, 0);
    for (const std::uint64_t length : lengths) part.begin.push_back(part.begin.back() + length);
    text.documents += part.bytes.size();
    text.bytes[i] = std::accumulate(part.bytes.begin(), part.bytes.end(), std::uint64_t{0});
  }
  if (config.data.on_bad_record == "skip") text.skipped_records = index.skipped_records();
  return text;
}

}  // namespace

TokenizedText encode_text(const TextIndex& index, const Tokenizer& tokenizer, const config::Config& config,
                          const Team& team) {
  if (tokenizer.vocab_size() <= std::int64_t{std::numeric_limits<std::uint16_t>::max()} + 1) {
    return encode_as<std::uint16_t>(index, tokenizer, config, team);
  }
  return encode_as<std::uint32_t>(index, tokenizer, config, team);
}

}  // namespace bitdarts::data
