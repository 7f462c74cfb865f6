#include "data/tokenize.hpp"

#include <random>

#include "catch.hpp"
#include "core/error.hpp"
#include "data/corpus.hpp"
#include "scratch.hpp"

using namespace bitdarts;
using namespace bitdarts::data;
using bitdarts::test::mentions;
using bitdarts::test::message_of;
using bitdarts::test::read_documents;
using bitdarts::test::Scratch;
using namespace std::string_literals;

namespace {

// What tokens.h5 says, back as text: each document of a part.
std::vector<std::string> decoded(const std::filesystem::path& path, Split split) {
  const Corpus corpus = load_corpus(path, 1);
  const auto model = store::File::open(path).read<std::uint8_t>("/tokenizer/model");
  const Tokenizer tokenizer(std::string(model.begin(), model.end()));
  const TokenPart& part = corpus.part(split);
  std::vector<std::string> documents;
  for (std::size_t i = 0; i + 1 < part.document_begin.size(); ++i) {
    const auto begin = part.document_begin[i], end = part.document_begin[i + 1];
    documents.push_back(tokenizer.decode(std::span(part.ids).subspan(begin, end - begin)));
  }
  return documents;
}

std::string odd_text() {
  std::mt19937 random(3);
  std::string text;
  for (int i = 0; i < 900; ++i) {
    text += "Paragraph " + std::to_string(i) + " о том, как word " + std::to_string(random() % 100) +
            " lies here.\r\n";
    if (i % 10 == 0) text += "odd \xFF\xC3( \xE2\x96\x81 nul \0 end"s + static_cast<char>(random()) + "\n";
    text += std::string(1 + i % 3, '\n');
  }
  return text;
}

}  // namespace

// One test case, because MPI starts once in a process.
TEST_CASE("the stored tokens give the text back byte for byte") {
  int argc = 0;
  char** argv = nullptr;
  const comm::MpiSession session(argc, argv);
  const comm::Communicator world;
  const comm::InterruptWatch interrupts;
  const Console console(true, "test", true);
  const Team team{world, interrupts, console};

  const Scratch scratch;
  const std::string text = odd_text();
  scratch.write("a.txt", text);
  scratch.write_gzip("b.gz", text);  // every document a second time
  scratch.write("empty.txt", "");

  config::Config config;
  config.data.text = {scratch.path().string()};
  config.data.document = "paragraph";
  config.data.search_fraction = config.data.test_fraction = 0.2;
  config.tokenizer.vocab_size = 500;

  const TextSource source = find_text(config, world);
  CHECK(source.files.size() == 3);
  CHECK(result_key(config, find_text(config)) == result_key(config, source));
  const TextIndex index = index_text(source.files, config.data, 1, world);
  const Tokenizer tokenizer = make_tokenizer(config, index, team);
  CHECK(tokenizer.vocab_size() == 500);
  const TokenizedText encoded = encode_text(index, tokenizer, config, team);
  CHECK(encoded.documents == 1800);
  store::File file = store::File::create(scratch / "tokens.h5");
  write_tokens(file, encoded, tokenizer);
  file.close();

  // Documents of each part, in the order of the text, by a second way.
  for (const Split split : {Split::train, Split::search, Split::test}) {
    std::vector<std::string> expected;
    for (int copy = 0; copy < 2; ++copy) {
      read_documents(scratch / "a.txt", config.data, [&](std::string&& document, std::uint64_t) {
        if (split_of(document, 1, 0.2, 0.2) == split) expected.push_back(document);
      });
    }
    CHECK(expected.size() > 100);
    CHECK(decoded(scratch / "tokens.h5", split) == expected);
  }

  {
    INFO("the lengths of the pieces add up to those of the parts");
    const auto piece_bytes = load_piece_bytes(scratch / "tokens.h5");
    const Corpus corpus = load_corpus(scratch / "tokens.h5", 1);
    for (const Split split : {Split::train, Split::search, Split::test}) {
      std::uint64_t bytes = 0;
      for (const std::int32_t id : corpus.part(split).ids) bytes += piece_bytes[static_cast<std::size_t>(id)];
      CHECK(bytes == corpus.part(split).bytes);
    }
  }
  {
    INFO("the key follows what the text is, not where it lies");
    const Scratch elsewhere;
    elsewhere.write("a.txt", text);
    elsewhere.write_gzip("b.gz", text);
    elsewhere.write("empty.txt", "");
    config::Config moved = config;
    moved.data.text = {(elsewhere / "*.*").string()};
    CHECK(result_key(moved, find_text(moved, world)) == result_key(config, source));
    elsewhere.write("a.txt", text + "x");
    CHECK(result_key(moved, find_text(moved, world)) != result_key(config, source));
    config::Config other = config;
    other.run.seed = 2;
    CHECK(result_key(other, source) != result_key(config, source));
    other = config;
    other.run.threads = 3;
    CHECK(result_key(other, source) == result_key(config, source));
  }
  {
    INFO("a small training sample is respected");
    config.tokenizer.sample_megabytes = 0;
    CHECK_THROWS_AS(make_tokenizer(config, index, team), InputError);
  }
  {
    INFO("text that changes while it is read is noticed");
    scratch.write("a.txt", "Other" + text.substr(5));
    mentions(message_of<Error>([&] { encode_text(index, tokenizer, config, team); }),
             "changed while it was read");
    scratch.write("a.txt", text.substr(0, text.size() / 2));
    CHECK_THROWS_AS(encode_text(index, tokenizer, config, team), Error);
  }
  {
    INFO("nothing to read is refused");
    CHECK_THROWS_AS(index_text({scratch / "empty.txt"}, config.data, 1, world), InputError);
    config.data.text.clear();
    CHECK_THROWS_AS(find_text(config, world), Error);
    CHECK_THROWS_AS(find_text(config), ConfigError);
  }
}
