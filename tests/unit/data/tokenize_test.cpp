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
  const Console console(true, "test", true);
  const Team team{world, console};

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

  const TextSource source = find_text(config, team);
  CHECK(source.files.size() == 3);
  CHECK(result_key(config, find_text(config)) == result_key(config, source));
  const TextIndex index = index_text(source.files, config.data, 1, team);
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
    CHECK(result_key(moved, find_text(moved, team)) == result_key(config, source));
    elsewhere.write("a.txt", text + "x");
    CHECK(result_key(moved, find_text(moved, team)) != result_key(config, source));
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
    INFO("skipped records are counted and stored, on request alone");
    const Scratch lines;
    std::string records;
    for (int i = 0; i < 400; ++i)
      records += "{\"text\": \"record " + std::to_string(i * 31) + "\"}\n{\"id\": 1}\n";
    config::Config some = config;
    some.data.text = {lines.write("a.jsonl", records).string(),
                      lines.write("b.jsonl", "{\"text\": 1}\n").string()};
    const auto text_of = [&] { return find_text(some, team); };
    const auto before = result_key(some, text_of());
    CHECK_THROWS_AS(index_text(text_of().files, some.data, 1, team), InputError);
    some.data.on_bad_record = "skip";
    CHECK(result_key(some, text_of()) != before);
    const TextIndex found = index_text(text_of().files, some.data, 1, team);
    CHECK(found.all_documents() == 400);
    CHECK(found.skipped_records() == 401);
    const auto said = remarks(found, some.data);
    REQUIRE(said.size() == 1);
    mentions(said[0], "401 JSON records were skipped in 2 files");
    mentions(said[0], "a.jsonl, line 2: the JSON record has no field \"text\"");
    const TokenizedText part = encode_text(found, tokenizer, some, team);
    CHECK(part.skipped_records == 401);
    CHECK_FALSE(encoded.skipped_records);
    store::File stored = store::File::create(lines / "tokens.h5");
    write_tokens(stored, part, tokenizer);
    stored.close();
    CHECK(store::File::open(lines / "tokens.h5").required_int("/tokens", "skipped_records") == 401);
    some.data.text = {(lines / "b.jsonl").string()};
    mentions(message_of<InputError>([&] { index_text(text_of().files, some.data, 1, team); }),
             "were skipped");
  }
  {
    INFO("odd bytes are told, and binary data behind the first bytes are refused");
    const Scratch odd;
    config::DataOptions lines = config.data;
    lines.document = "line";
    const auto index_of = [&](const std::string& content) {
      return index_text({odd.write("a.txt", content)}, lines, 1, team);
    };
    CHECK(remarks(index_of("fine\n"), lines).empty());
    const auto said = remarks(index_of("fine\ncaf\xE9\nnul \0\n"s), lines);
    REQUIRE(said.size() == 2);
    mentions(said[0], "a.txt, byte 8");
    mentions(said[1], "a.txt, byte 14");
    mentions(message_of<InputError>(
                 [&] { index_of(std::string(300'000, 'x') + "\n" + std::string(50'000, '\0')); }),
             "a.txt, byte 300001");
  }
  {
    INFO("a part is empty because documents are few, or because they are copies");
    const Scratch few;
    config::DataOptions lines = config.data;
    lines.document = "line";
    std::string copies;
    for (int i = 0; i < 20'000; ++i) copies += "the same line\n";
    const auto why = [&](const std::string& content) {
      return why_empty(index_text({few.write("a.txt", content)}, lines, 1, team));
    };
    mentions(why(copies), "20000 documents are copies of one");
    mentions(why(copies + "another\n" + copies), "40001 documents are copies of 2");
    mentions(why("one\ntwo\n"), "2 documents are few");
  }
  {
    INFO("nothing to read is refused");
    CHECK_THROWS_AS(index_text({scratch / "empty.txt"}, config.data, 1, team), InputError);
    config.data.text.clear();
    CHECK_THROWS_AS(find_text(config, team), Error);
    CHECK_THROWS_AS(find_text(config), ConfigError);
  }
}
