#include "data/text_check.hpp"

#include <random>

#include "catch.hpp"
#include "core/error.hpp"
#include "scratch.hpp"

using namespace bitdarts;
using namespace bitdarts::data;
using bitdarts::test::mentions;
using bitdarts::test::message_of;
using bitdarts::test::Scratch;
using namespace std::string_literals;

namespace {

// "" when the file is taken.
std::string refusal(const std::filesystem::path& file, const config::DataOptions& options = {}) {
  try {
    require_text(file, options);
  } catch (const InputError& error) {
    return error.what();
  }
  return {};
}

// The code units of a text in ASCII, Latin-1 or Cyrillic, `size` bytes each.
std::string wide(std::u32string_view text, int size, bool big_endian) {
  std::string bytes;
  for (const char32_t c : text)
    for (int i = 0; i < size; ++i) {
      const int shift = 8 * (big_endian ? size - 1 - i : i);
      bytes += static_cast<char>(shift < 32 ? c >> shift & 0xFF : 0);
    }
  return bytes;
}

std::string noise(std::size_t size) {
  std::mt19937 random(5);
  std::string bytes;
  for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(random());
  return bytes;
}

}  // namespace

TEST_CASE("text is taken, whatever its language and with a few odd bytes") {
  const Scratch scratch;
  for (const std::string& text :
       {""s, "x"s, "\n"s, "plain\r\ntext\n"s, "\xEF\xBB\xBFmarked"s, "В начале было слово"s, "太初有道"s,
        "odd \xff\xfe \xe2\x96\x81 and nul \0 inside"s, "a\0b\0"s, "caf\xe9, in Latin-1"s,
        "PK, PAR1, BZh and GGUF are words too"s, "PAR1 begins this text"s, "BZh"s, "{ a brace"s,
        "[1] a note"s, "\x1b[31mred\x1b[0m N\bNA\bAM\bME\bE\n\f"s}) {
    CAPTURE(text);
    CHECK(refusal(scratch.write("a.txt", text)).empty());
    CHECK(refusal(scratch.write_gzip("a.txt.gz", text)).empty());
  }
  CHECK(refusal(scratch.write("a.csv", "a,b\n1,2\n")).empty());  // named by hand: what is in it is text
}

TEST_CASE("what is not text is refused with file, byte, reason and remedy, packed or not") {
  const Scratch scratch;
  std::string tar(512, '\0');
  tar.replace(0, 5, "a.txt").replace(257, 5, "ustar");
  const std::pair<std::string, const char*> others[] = {{"PAR1\x15\x04\x15\x10"s + noise(50), "Parquet"},
                                                        {"\x28\xb5\x2f\xfd"s + noise(50), "Zstandard"},
                                                        {"BZh91AY&SY\x01\x02"s + noise(50), "bzip2"},
                                                        {"\xfd\x37zXZ\0\0"s + noise(50), "xz"},
                                                        {"PK\x03\x04\x14\0"s + noise(50), "zip"},
                                                        {"\x89HDF\r\n\x1a\n"s + noise(50), "HDF5"},
                                                        {"%PDF-1.4\n"s + noise(500), "PDF"},
                                                        {tar + "text\n", "tar"},
                                                        {noise(2000), "control characters"},
                                                        {std::string(100, '\0'), "control characters"}};
  for (const auto& [bytes, reason] : others) {
    CAPTURE(reason);
    for (const char* name : {"a.txt", "a.jsonl", "a.parquet"}) {
      const auto file = scratch.write(name, bytes);
      mentions(refusal(file), reason);
      mentions(refusal(file), file.string() + ", byte ");
      mentions(refusal(file), "try:");
    }
    mentions(refusal(scratch.write_gzip("a.txt.gz", bytes)), reason);
    mentions(refusal(scratch.write_gzip("a.txt.gz", bytes)), "of the unpacked text");
  }
}

TEST_CASE("gzip data are taken by the name .gz alone, and once") {
  const Scratch scratch;
  const std::string packed = read_whole_file(scratch.write_gzip("text.gz", "text"), 1000);
  mentions(refusal(scratch.write("a.txt", packed)), "gzip data");
  mentions(refusal(scratch.write("a.txt", packed)), "ends in .gz");
  mentions(refusal(scratch.write_gzip("a.txt.gz", packed)), "packed twice");
  mentions(refusal(scratch.write("b.txt.gz", "text")), "not gzip data");
}

TEST_CASE("UTF-16 and UTF-32 are refused with the command that converts them, with a mark or without") {
  const Scratch scratch;
  const std::u32string english = U"It was the best of times",
                       russian = U"В начале было слово, и слово\nбыло у";
  for (const int size : {2, 4}) {
    for (const bool big : {false, true}) {
      const std::string name = (size == 2 ? "UTF-16"s : "UTF-32"s) + (big ? "BE" : "LE");
      CAPTURE(name);
      for (const std::u32string& text : {english, russian + russian + russian})
        for (const bool marked : {true, false}) {
          const std::string bytes = wide((marked ? U"\uFEFF" : U"") + text, size, big);
          mentions(refusal(scratch.write("a.txt", bytes)), "iconv -f " + name + " -t UTF-8");
          mentions(refusal(scratch.write("a.jsonl", bytes)), "iconv -f " + name + " -t UTF-8");
          mentions(refusal(scratch.write_gzip("a.txt.gz", bytes)), "iconv -f " + name + " -t UTF-8");
        }
    }
  }
}

TEST_CASE("JSON of another form than the name says is refused") {
  const Scratch scratch;
  for (const char* name : {"a.json", "a.jsonl", "a.ndjson"}) {
    CHECK(refusal(scratch.write(name, "\n{\"text\": \"x\"}\n")).empty());
    mentions(refusal(scratch.write(name, " [{\"text\": \"x\"},\n {\"text\": \"y\"}]\n")), "jq -c '.[]'");
    mentions(refusal(scratch.write(name, "\xEF\xBB\xBF{\n  \"text\": \"x\"\n}\n")), "jq -c .");
  }
  const auto hidden = scratch.write("a.txt", "\n{\"text\": \"x\", \"id\": 1}\r\n{\"text\": \"y\"}\n");
  mentions(refusal(hidden), "named as plain text");
  mentions(refusal(scratch.write_gzip("a.gz", "{\"text\": \"x\"}")), "named as plain text");
  CHECK(refusal(scratch.write("b.txt", "{\"id\": 1}\n")).empty());
  config::DataOptions other;
  other.json_field = "none";  // the way to learn the JSON itself
  CHECK(refusal(hidden, other).empty());
}

TEST_CASE("odd bytes are counted with the place of the first") {
  TextCounts counts;
  counts.add("fine \xC3\xA9\n", 0);
  CHECK((counts.controls == 0 && counts.malformed == 0 && counts.bytes == 8));
  counts.add("nul \0 and \xE9 and \xE9\x01"s, 100);
  CHECK((counts.controls == 2 && counts.first_control == 104));
  CHECK((counts.malformed == 2 && counts.first_malformed == 110));
  TextCounts earlier;
  earlier.add("\xFF", 7);
  counts.add(earlier);
  CHECK((counts.malformed == 3 && counts.first_malformed == 7 && counts.first_control == 104));
  CHECK_FALSE(counts.binary());
  TextCounts binary;
  binary.add(noise(1000), 0);
  CHECK(binary.binary());
}
