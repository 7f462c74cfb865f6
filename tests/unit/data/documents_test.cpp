#include "data/documents.hpp"

#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "catch.hpp"
#include "core/error.hpp"
#include "scratch.hpp"

using namespace bitdarts;
using namespace bitdarts::data;
using bitdarts::test::mentions;
using bitdarts::test::message_of;
using bitdarts::test::read_documents;
using bitdarts::test::Scratch;
using namespace std::string_literals;

namespace {

using Documents = std::vector<std::string>;

config::DataOptions cut_as(const std::string& document) {
  config::DataOptions options;
  options.document = document;
  return options;
}

Documents documents_of(const std::filesystem::path& file, const config::DataOptions& options) {
  Documents documents;
  read_documents(file, options,
                 [&](std::string&& document, std::uint64_t) { documents.push_back(std::move(document)); });
  return documents;
}

}  // namespace

TEST_CASE("plain text is cut into files, paragraphs or lines, and every byte belongs to a document") {
  const Scratch scratch;
  const std::string text = "\n\none\ntwo\n\n \t\nthree\r\n\r\nfour\nfive";
  const auto file = scratch.write("a.txt", text);
  CHECK(documents_of(file, cut_as("file")) == Documents{text});
  CHECK(documents_of(file, cut_as("paragraph")) ==
        Documents{"\n\none\ntwo\n\n \t\n", "three\r\n\r\n", "four\nfive"});
  CHECK(documents_of(file, cut_as("line")) ==
        Documents{"\n\none\n", "two\n\n \t\n", "three\r\n\r\n", "four\n", "five"});
}

TEST_CASE("odd text files give the documents that one expects") {
  const Scratch scratch;
  for (const char* cut : {"file", "paragraph", "line"}) {
    CHECK(documents_of(scratch.write("empty.txt", ""), cut_as(cut)).empty());
    CHECK(documents_of(scratch.write("blank.txt", "\n \r\n\n"), cut_as(cut)) == Documents{"\n \r\n\n"});
    CHECK(documents_of(scratch.write("nul.txt", "a\0b\0"s), cut_as(cut)) == Documents{"a\0b\0"s});
    const std::string line(3'000'000, 'x');
    CHECK(documents_of(scratch.write("long.txt", line), cut_as(cut)) == Documents{line});
  }
}

TEST_CASE("reading can go on from any offset that was reported") {
  const Scratch scratch;
  std::string text;
  for (int i = 0; i < 2000; ++i) text += "paragraph " + std::to_string(i) + "\n\n" + std::string(i % 3, '\n');
  std::string records;
  for (int i = 0; i < 2000; ++i) records += "{\"text\": \"record " + std::to_string(i) + "\"}\n\n";
  const auto options = cut_as("paragraph");
  for (const auto& file : {scratch.write("a.txt", text), scratch.write_gzip("b.txt.gz", text),
                           scratch.write("c.jsonl", records), scratch.write_gzip("d.jsonl.gz", records)}) {
    std::vector<std::pair<std::string, std::uint64_t>> all;
    read_documents(file, options,
                   [&](std::string&& d, std::uint64_t offset) { all.emplace_back(std::move(d), offset); });
    REQUIRE(all.size() == 2000);
    for (const std::size_t start : {0, 1, 777, 1999}) {
      DocumentReader reader(file, options, all[start].second);
      std::string document;
      std::uint64_t offset = 0;
      std::size_t i = start;
      for (; reader.next(document, offset); ++i) {
        REQUIRE(document == all[i].first);
        REQUIRE(offset == all[i].second);
      }
      CHECK(i == all.size());
    }
  }
}

TEST_CASE("from any place on, a document is found that is one when the file is read from its start") {
  const Scratch scratch;
  const std::string texts[] = {"\n\n \nfirst\nof it\n\n\r\n\nsecond\r\n \t\nthird\nof\n\nthem\n\n\n",
                               "one line", "\n\n\n", "a\n\nb\n\nc",
                               "long line after\n\n\nblank ones\n\n" + std::string(300, 'x') + "\n\nend\n"};
  for (const std::string& text : texts) {
    const auto file = scratch.write("a.txt", text);
    for (const char* cut : {"line", "paragraph"}) {
      REQUIRE(can_start_anywhere(file, cut_as(cut)));
      std::vector<std::uint64_t> begins;
      read_documents(file, cut_as(cut),
                     [&](std::string&&, std::uint64_t offset) { begins.push_back(offset); });
      for (std::uint64_t place = 1; place < text.size(); ++place) {
        INFO(text << " cut by " << cut << " from " << place);
        const auto found = document_after(file, cut_as(cut), place);
        const auto next = std::lower_bound(begins.begin(), begins.end(), place);
        if (found) {
          CHECK(*found >= place);
          CHECK(std::binary_search(begins.begin(), begins.end(), *found));
        }
        // At most two documents are passed over: the one that is cut, and one that cannot be told from its
        // end.
        CHECK((found || begins.end() - next <= 1));
        CHECK((!found || std::find(begins.begin(), begins.end(), *found) - next <= 1));
      }
    }
  }
  CHECK_FALSE(can_start_anywhere("a.txt", cut_as("file")));
  CHECK_FALSE(can_start_anywhere("a.txt.gz", cut_as("line")));
  CHECK_FALSE(can_start_anywhere("a.jsonl", cut_as("line")));
}

TEST_CASE("JSON Lines gives one document per record") {
  const Scratch scratch;
  const std::string text =
      "{\"text\": \"one\\nline \\u0000\\ud83d\\ude00\"}\r\n\n{\"id\": 7, \"text\": \"два\"}\n{\"text\": "
      "\"\"}\n"
      "{\"text\": \"no newline\"}";
  const Documents expected{"one\nline \0\xF0\x9F\x98\x80"s, "два", "no newline"};
  CHECK(documents_of(scratch.write("a.jsonl", text), cut_as("line")) == expected);
  CHECK(documents_of(scratch.write_gzip("a.jsonl.gz", text), cut_as("file")) == expected);
  config::DataOptions other;
  other.json_field = "body";
  CHECK(documents_of(scratch.write("b.jsonl", "{\"body\": \"x\"}\n"), other) == Documents{"x"});
}

TEST_CASE("a bad JSON record is refused with file and line") {
  const Scratch scratch;
  const auto message = [&](const std::string& line) {
    const auto file = scratch.write("bad.jsonl", "{\"text\": \"fine\"}\n\n" + line + "\n");
    return message_of<InputError>([&] { documents_of(file, cut_as("file")); });
  };
  for (const char* line : {"{\"text\": \"open", "nonsense", "{\"text\": \"\xFF\"}", "{\"text\": \"\\ud800\"}",
                           "{\"text\": 1e999}"}) {
    mentions(message(line), "bad.jsonl, line 3");
    mentions(message(line), "not valid JSON");
  }
  mentions(message("[1, 2]"), "not an object");
  mentions(message("{\"body\": \"x\"}"), "no field \"text\"");
  mentions(message("{\"text\": 5}"), "not a string");
}

TEST_CASE("packed text reads like the text itself") {
  const Scratch scratch;
  const std::string text(1'000'000, 'y');
  CHECK(documents_of(scratch.write_gzip("a.gz", text), cut_as("file")) == Documents{text});
  CHECK(documents_of(scratch.write_gzip("b.txt.gz", "one\ntwo\n"), cut_as("line")) ==
        Documents{"one\n", "two\n"});
  CHECK(documents_of(scratch.write_gzip("c.txt.gz", ""), cut_as("line")).empty());
}

TEST_CASE("damaged packed text is refused with the offset") {
  const Scratch scratch;
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += std::to_string(i * 7919) + "\n";
  const auto whole = scratch.write_gzip("whole.gz", text);
  std::string packed = read_whole_file(whole, 1u << 30);
  const auto message = [&](const std::string& bytes) {
    const auto file = scratch.write("bad.gz", bytes);
    return message_of<InputError>([&] { documents_of(file, cut_as("line")); });
  };
  for (const std::size_t length :
       {packed.size() - 1, packed.size() - 9, packed.size() / 2, std::size_t{12}}) {
    mentions(message(packed.substr(0, length)), "bad.gz, about byte");
    mentions(message(packed.substr(0, length)), "end too early");
  }
  std::string flipped = packed;
  flipped[packed.size() / 2] = static_cast<char>(~flipped[packed.size() / 2]);
  mentions(message(flipped), "about byte");
  mentions(message("plain text"), "not gzip");
  CHECK(documents_of(scratch.write("empty.txt.gz", ""), cut_as("file")).empty());  // like any empty file
}

TEST_CASE("packed files that were joined are one text, and nothing else may follow") {
  const Scratch scratch;
  const auto packed = [&](const std::string& text) {
    return read_whole_file(scratch.write_gzip("part.gz", text), 1u << 30);
  };
  std::string noise;
  for (std::uint32_t i = 0, x = 1; i < 2000; ++i)
    noise += static_cast<char>('!' + (x = x * 1664525 + 1013904223) / 50'000'000);
  for (const std::string& first : {"one\n"s, noise, ""s}) {
    const std::string joined = packed(first) + packed("two\n") + packed("") + packed("three\n");
    CHECK(documents_of(scratch.write("joined.gz", joined), cut_as("file")) ==
          Documents{first + "two\nthree\n"});
    const auto padded = scratch.write("padded.gz", joined + std::string(1000, '\0'));  // as tapes have it
    CHECK(documents_of(padded, cut_as("file")) == Documents{first + "two\nthree\n"});
    for (const std::string& rest : {"plain text\n"s, "\x1f"s, "\0\0x"s}) {
      const auto file = scratch.write("followed.gz", joined + rest);
      const std::string message = message_of<InputError>([&] { documents_of(file, cut_as("line")); });
      mentions(message, "followed by something else");
      mentions(message, "followed.gz, byte " + std::to_string(joined.size() + (rest[0] == '\0' ? 2 : 0)));
    }
  }
  // Where a member begins at the end of what is read at once (2^18 bytes), in its first byte or behind it.
  for (const std::size_t begin : {262'143, 262'144}) {
    const std::string empty = packed("");
    std::string text = noise, members;
    while ((begin - (members = packed(text)).size()) % empty.size() != 0) text += text[text.size() / 2];
    while (members.size() < begin) members += empty;
    REQUIRE(members.size() == begin);
    CHECK(documents_of(scratch.write("many.gz", members + packed("end")), cut_as("file")) ==
          Documents{text + "end"});
    mentions(message_of<InputError>(
                 [&] { documents_of(scratch.write("many.gz", members + "\x1f"), cut_as("file")); }),
             "many.gz, byte " + std::to_string(begin));
  }
  const std::string whole = packed(noise);
  for (std::size_t cut = whole.size() - 20; cut < whole.size(); ++cut)
    mentions(message_of<InputError>([&] {
               documents_of(scratch.write("cut.gz", packed("x") + whole.substr(0, cut)), cut_as("file"));
             }),
             "end too early");
}

TEST_CASE("JSON Lines goes by several names, and a byte-order mark is no part of it") {
  const Scratch scratch;
  const std::string text = "\xEF\xBB\xBF{\"text\": \"one\"}\n{\"text\": \"two\"}\n";
  for (const char* name : {"a.jsonl", "a.ndjson", "a.json", "A.JSONL"})
    CHECK(documents_of(scratch.write(name, text), cut_as("file")) == Documents{"one", "two"});
  for (const char* name : {"a.ndjson.gz", "a.json.gz", "A.JSONL.GZ"})
    CHECK(documents_of(scratch.write_gzip(name, text), cut_as("file")) == Documents{"one", "two"});
}

TEST_CASE("bad records are skipped on request, and counted") {
  const Scratch scratch;
  const auto file =
      scratch.write("some.jsonl",
                    "{\"text\": \"one\"}\n\n{\"body\": \"x\"}\n{\"text\": null}\n[1]\nnonsense\n"
                    "{\"text\": \"\"}\n{\"text\": \"two\"}\n");
  config::DataOptions options;
  mentions(message_of<InputError>([&] { documents_of(file, options); }), "data.on_bad_record=skip");
  options.on_bad_record = "skip";
  CHECK(documents_of(file, options) == Documents{"one", "two"});
  DocumentReader reader(file, options);
  std::string document;
  std::uint64_t offset = 0;
  while (reader.next(document, offset)) {
  }
  CHECK(reader.skipped().count == 4);  // an empty text is no fault
  CHECK(reader.skipped().first_line == 3);
  CHECK(reader.skipped().first_fault == BadRecord::no_field);
}

TEST_CASE("missing and unusual files are refused by name") {
  const Scratch scratch;
  mentions(message_of<InputError>([&] { documents_of(scratch / "none.txt", cut_as("file")); }), "none.txt");
  mentions(message_of<InputError>([&] { documents_of(scratch.path(), cut_as("file")); }),
           scratch.path().string());
  mentions(message_of<InputError>([&] { read_whole_file(scratch.write("big", "12345"), 4); }), "big");
  CHECK_THROWS_AS(documents_of(scratch.write("a.txt", "x"), cut_as("chapter")), ConfigError);
}

TEST_CASE("files, directories and globs are found, sorted and unique") {
  const Scratch scratch;
  scratch.write("dir/b.txt", "b");
  scratch.write("dir/sub/a.jsonl", "{}");
  scratch.write("dir/sub/c.gz", "");
  scratch.write("dir/notes.md", "m");
  scratch.write("dir/.hidden.txt", "h");
  scratch.write("dir/.git/x.txt", "h");
  scratch.write("one.md", "1");
  scratch.write("tw[o].md", "2");
  std::filesystem::create_symlink(scratch / "one.md", scratch / "same.md");
  const auto names = [&](const std::vector<std::string>& patterns) {
    Documents found;
    for (const auto& file : find_text_files(patterns).files)
      found.push_back(file.lexically_relative(scratch.path()));
    return found;
  };
  const std::string root = scratch.path().string() + "/";
  CHECK(names({root + "dir"}) == Documents{"dir/b.txt", "dir/sub/a.jsonl", "dir/sub/c.gz"});
  CHECK(names({root + "o*.md", root + "dir/b.txt", root + "./dir/../dir/b.txt"}) ==
        Documents{"dir/b.txt", "one.md"});
  CHECK(names({root + "same.md", root + "one.md"}) == Documents{"one.md"});
  CHECK(names({root + "tw[o].md"}) == Documents{"tw[o].md"});
  CHECK(names({root + "{one,two}.md"}) == Documents{"one.md"});
  mentions(message_of<InputError>([&] { names({root + "none*.txt"}); }), "none*.txt");
  scratch.write("bare/readme.md", "");
  mentions(message_of<InputError>([&] { names({root + "bare"}); }), "bare");
}

TEST_CASE("a directory gives text by name, follows links once, and tells what it leaves out") {
  namespace fs = std::filesystem;
  const Scratch scratch;
  for (const char* name :
       {"dir/a.TXT", "dir/b.ndjson", "dir/c.json.gz", "dir/d.gz", "dir/backup.tar.gz", "dir/sub/table.csv.gz",
        "dir/t.parquet", "dir/t.csv", "dir/.git/x.txt", "elsewhere/linked.txt"})
    scratch.write(name, "x");
  fs::create_directory_symlink(scratch / "elsewhere", scratch / "dir/link");
  fs::create_directory_symlink(scratch / "elsewhere", scratch / "dir/second_link");
  fs::create_directory_symlink(scratch / "dir", scratch / "dir/sub/loop");
  fs::create_symlink(scratch / "nowhere.txt", scratch / "dir/broken.txt");
  REQUIRE(::mkfifo((scratch / "dir/pipe.txt").c_str(), 0600) == 0);
  const FoundFiles found = find_text_files({(scratch / "dir").string()});
  Documents names;
  for (const auto& file : found.files) names.push_back(file.lexically_relative(scratch.path()));
  CHECK(names == Documents{"dir/a.TXT", "dir/b.ndjson", "dir/c.json.gz", "dir/d.gz", "dir/link/linked.txt"});
  REQUIRE(found.left_out.size() == 1);
  mentions(found.left_out[0], (scratch / "dir").string());
  mentions(found.left_out[0], "4 by their names (backup.tar.gz, sub/table.csv.gz, t.csv, ...)");
  mentions(found.left_out[0], "2 that are no regular files (broken.txt, pipe.txt)");
  mentions(found.left_out[0], "1 hidden (.git)");
  CHECK(find_text_files({(scratch / "elsewhere").string()}).left_out.empty());
  mentions(message_of<InputError>([&] { find_text_files({(scratch / "dir/pipe.txt").string()}); }),
           "not a regular file");
  mentions(message_of<InputError>([&] { read_whole_file(scratch / "dir/pipe.txt", 10); }),
           "not a regular file");
}

TEST_CASE("the split is decided by content, near the fractions") {
  int counts[3] = {};
  for (int i = 0; i < 10'000; ++i) {
    const std::string document = "document " + std::to_string(i);
    const Split split = split_of(document, 1, 0.1, 0.2);
    ++counts[static_cast<int>(split)];
    REQUIRE(split_of(document + "\r\n\r\n", 1, 0.1, 0.2) ==
            split);  // what separates it from the next does not count
  }
  // 5 standard deviations of a binomial: sqrt(10000 * 0.2 * 0.8) = 40, sqrt(10000 * 0.1 * 0.9) = 30.
  CHECK(std::abs(counts[static_cast<int>(Split::test)] - 2000) < 200);
  CHECK(std::abs(counts[static_cast<int>(Split::search)] - 1000) < 150);
}

TEST_CASE("the split follows the seed and the fractions") {
  int moved = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::string document = std::to_string(i);
    moved += split_of(document, 1, 0.3, 0.3) != split_of(document, 2, 0.3, 0.3);
    REQUIRE(split_of(document, 1, 0.0, 0.0) == Split::train);
    REQUIRE(split_of(document, 1, 0.0, 1.0) == Split::test);
    REQUIRE(split_of(document, 1, 1.0, 0.0) == Split::search);
    // A larger fraction only adds documents to a part.
    if (split_of(document, 1, 0.0, 0.1) == Split::test)
      REQUIRE(split_of(document, 1, 0.0, 0.2) == Split::test);
  }
  CHECK(moved > 300);
}
