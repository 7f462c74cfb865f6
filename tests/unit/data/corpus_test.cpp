#include "data/corpus.hpp"

#include <cmath>
#include <limits>

#include "catch.hpp"
#include "core/error.hpp"
#include "scratch.hpp"

using namespace bitdarts;
using namespace bitdarts::data;
using bitdarts::test::mentions;
using bitdarts::test::message_of;
using bitdarts::test::Scratch;

namespace {

// A tokens.h5 of two documents a part, with one thing wrong when a test says so.
struct Tokens {
  std::vector<std::uint16_t> ids{5, 6, 7, 2, 8, 9, 2};
  std::vector<std::uint64_t> begin{0, 4, 7}, bytes{10, 6};
  std::int64_t total_bytes = 16, vocab_size = 10, document_end = 2;
  bool signed_ids = false, search_empty = false;
  std::size_t pieces = 10;

  std::filesystem::path save(const std::filesystem::path& path) const {
    store::File file = store::File::create(path);
    for (const std::string part : {"train", "search", "test"}) {
      if (part == "search" && search_empty) {
        file.write<std::uint16_t>("/tokens/search", {});
        file.write<std::uint64_t>("/documents/search/begin", std::vector<std::uint64_t>{0});
        file.write<std::uint64_t>("/documents/search/bytes", {});
        file.set_attribute("/tokens", "search_bytes", std::int64_t{0});
        continue;
      }
      if (signed_ids) {
        file.write<std::int16_t>("/tokens/" + part, std::vector<std::int16_t>(ids.begin(), ids.end()));
      } else {
        file.write<std::uint16_t>("/tokens/" + part, ids);
      }
      file.write<std::uint64_t>("/documents/" + part + "/begin", begin);
      file.write<std::uint64_t>("/documents/" + part + "/bytes", bytes);
      file.set_attribute("/tokens", part + "_bytes", total_bytes);
    }
    file.write<std::uint8_t>("/tokenizer/model", std::vector<std::uint8_t>{1});
    if (pieces > 0)
      file.write<std::uint32_t>("/tokenizer/piece_bytes", std::vector<std::uint32_t>(pieces, 3));
    file.set_attribute("/tokenizer", "vocab_size", vocab_size);
    file.set_attribute("/tokenizer", "document_end", document_end);
    file.close();
    return path;
  }
};

TokenPart counting_part(std::int32_t tokens) {
  TokenPart part;
  for (std::int32_t i = 0; i < tokens; ++i) part.ids.push_back(i);
  part.document_begin = {0, static_cast<std::uint64_t>(tokens)};
  return part;
}

}  // namespace

TEST_CASE("a corpus is read as it was written") {
  const Scratch scratch;
  const Corpus corpus = load_corpus(Tokens{}.save(scratch / "tokens.h5"), 6);
  CHECK(corpus.vocab_size == 10);
  CHECK(corpus.document_end == 2);
  for (const Split split : {Split::train, Split::search, Split::test}) {
    CHECK(corpus.part(split).ids == std::vector<std::int32_t>{5, 6, 7, 2, 8, 9, 2});
    CHECK(corpus.part(split).document_begin == std::vector<std::uint64_t>{0, 4, 7});
    CHECK(corpus.part(split).bytes == 16);
  }
}

TEST_CASE("a part that is too short for one sequence is refused when it is needed") {
  const Scratch scratch;
  Tokens tokens;
  tokens.search_empty = true;
  const auto path = tokens.save(scratch / "tokens.h5");
  mentions(message_of<InputError>([&] { load_corpus(path, 6); }), "search part has 0 tokens");
  CHECK(load_corpus(path, 6, {Split::train, Split::test}).test.ids.size() == 7);
  CHECK_THROWS_AS(load_corpus(path, 7, {Split::train}), InputError);
}

TEST_CASE("an inconsistent corpus is refused") {
  const Scratch scratch;
  const auto refused = [&](auto&& spoil, const std::string& reason) {
    Tokens tokens;
    spoil(tokens);
    const auto path = tokens.save(scratch / "tokens.h5");
    const std::string message = message_of<InputError>([&] { load_corpus(path, 3); });
    mentions(message, reason);
    mentions(message, "tokens.h5");
  };
  refused([](Tokens& t) { t.ids[1] = 10; }, "token 1 is 10");
  refused([](Tokens& t) { t.vocab_size = 0; }, "vocabulary");
  refused([](Tokens& t) { t.vocab_size = std::int64_t{1} << 40; }, "vocabulary");
  refused([](Tokens& t) { t.document_end = 10; }, "document end");
  refused([](Tokens& t) { t.document_end = -1; }, "document end");
  refused([](Tokens& t) { t.ids[3] = 3; }, "not closed");
  refused([](Tokens& t) { t.begin = {0, 4}; }, "do not cover");
  refused([](Tokens& t) { t.begin = {1, 4, 7}; }, "do not cover");
  refused([](Tokens& t) { t.begin = {0, 4, 8}; }, "do not cover");
  refused([](Tokens& t) { t.begin = {}; }, "do not cover");
  refused([](Tokens& t) { t.begin = {0, 9, 7}; }, "not closed");
  refused([](Tokens& t) { t.begin = {0, 0, 7}; }, "not closed");
  refused([](Tokens& t) { t.bytes = {10, 7}; }, "do not add up");
  refused([](Tokens& t) { t.total_bytes = -1; }, "negative");
  refused([](Tokens& t) { t.signed_ids = true; }, "int16");
}

TEST_CASE("what is not a corpus, or no longer one, is refused") {
  const Scratch scratch;
  CHECK_THROWS_AS(load_corpus(scratch / "missing.h5", 3), InputError);
  CHECK_THROWS_AS(load_corpus(scratch.write("text.h5", "not HDF5"), 3), InputError);
  const auto path = Tokens{}.save(scratch / "tokens.h5");
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  CHECK_THROWS_AS(load_corpus(path, 3), InputError);
  store::File empty = store::File::create(scratch / "empty.h5");
  empty.close();
  CHECK_THROWS_AS(load_corpus(scratch / "empty.h5", 3), InputError);
}

TEST_CASE("the lengths of the pieces are those of the vocabulary") {
  Scratch scratch;
  CHECK(load_piece_bytes(Tokens{}.save(scratch / "tokens.h5")) == std::vector<std::uint32_t>(10, 3));
  Tokens wrong;
  wrong.pieces = 9;
  CHECK_THROWS_AS(load_piece_bytes(wrong.save(scratch / "nine.h5")), InputError);
  wrong.pieces = 0;
  const auto path = wrong.save(scratch / "none.h5");
  mentions(message_of<InputError>([&] { load_piece_bytes(path); }), "/tokenizer/piece_bytes");
}

TEST_CASE("samples are consecutive tokens within the part, targets one token later") {
  const TokenPart part = counting_part(50);
  const std::int64_t context = 8, count = 400;
  const Sampler sampler(part, context, 1, Stream::pretrain_batch);
  std::vector<std::int64_t> inputs(count * context), targets(count * context);
  sampler.fill(3, 0, count, inputs, targets);
  std::vector<int> starts(50, 0);
  for (std::int64_t row = 0; row < count; ++row) {
    const std::int64_t start = inputs[row * context];
    ++starts[start];
    for (std::int64_t i = 0; i < context; ++i) {
      REQUIRE(inputs[row * context + i] == start + i);
      REQUIRE(targets[row * context + i] == start + i + 1);
    }
  }
  // 42 starts (0 .. 41), each drawn 9.5 times on average: none is left out, and none lies outside.
  for (int start = 0; start < 50; ++start) CHECK((starts[start] > 0) == (start < 42));
}

TEST_CASE("samples depend on seed, stream, step and number alone, however they are batched") {
  const TokenPart part = counting_part(1000);
  const Sampler sampler(part, 4, 9, Stream::inner_batch);
  std::vector<std::int64_t> all(32 * 4), targets(32 * 4), piece(8 * 4), piece_targets(8 * 4);
  sampler.fill(5, 0, 32, all, targets);
  for (std::int64_t first : {24, 0, 8, 16}) {
    sampler.fill(5, first, 8, piece, piece_targets);
    CHECK(std::equal(piece.begin(), piece.end(), all.begin() + first * 4));
    CHECK(std::equal(piece_targets.begin(), piece_targets.end(), targets.begin() + first * 4));
  }
  const auto differs = [&](const Sampler& other, std::int64_t step) {
    std::vector<std::int64_t> samples(32 * 4);
    other.fill(step, 0, 32, samples, targets);
    return samples != all;
  };
  CHECK_FALSE(differs(Sampler(part, 4, 9, Stream::inner_batch), 5));
  CHECK(differs(sampler, 6));
  CHECK(differs(Sampler(part, 4, 10, Stream::inner_batch), 5));
  CHECK(differs(Sampler(part, 4, 9, Stream::outer_batch), 5));
}

TEST_CASE("the shortest part gives its only sample; a shorter one is refused") {
  const TokenPart part = counting_part(5);
  std::vector<std::int64_t> inputs(4), targets(4);
  Sampler(part, 4, 1, Stream::pretrain_batch).fill(0, 0, 1, inputs, targets);
  CHECK(inputs == std::vector<std::int64_t>{0, 1, 2, 3});
  CHECK(targets == std::vector<std::int64_t>{1, 2, 3, 4});
  CHECK_THROWS_AS(Sampler(part, 5, 1, Stream::pretrain_batch), InputError);
  CHECK_THROWS_AS(Sampler(part, 4, 1, Stream::pretrain_batch).fill(0, 0, 2, inputs, targets), Error);
}

TEST_CASE("the unigram entropy is that of the counts") {
  TokenPart part;
  part.ids = {0, 0, 0, 0, 1, 1, 2, 3};  // 1/2, 1/4, 1/8, 1/8: 1.75 bits
  CHECK(unigram_entropy(part, 6) == Approx(1.75 * std::log(2.0)).epsilon(1e-12));
  part.ids = {4, 4, 4};
  CHECK(unigram_entropy(part, 6) == Approx(0.0).margin(1e-15));
}
