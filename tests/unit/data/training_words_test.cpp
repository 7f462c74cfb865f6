#include "data/training_words.hpp"

#include <map>
#include <random>

#include "catch.hpp"
#include "data/tokenizer.hpp"
#include "data/utf8.hpp"

using namespace bitdarts::data;
using namespace std::string_literals;

namespace {

std::map<std::string, std::int64_t> words_of(const std::string& document) {
  TrainingWords words(1000);
  words.add(document);
  const auto sorted = words.sorted();
  return {sorted.begin(), sorted.end()};
}

std::string random_letters(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += static_cast<char>('a' + random() % 26);
  return text;
}

std::uint64_t characters(const std::vector<TrainingWords::Count>& words) {
  std::uint64_t all = 0;
  for (const auto& [word, count] : words)
    for (const char byte : word) all += !continues_character(byte);
  return all;
}

}  // namespace

TEST_CASE("words are a space and what follows") {
  CHECK(words_of("the cat, the  hat\nthe end") ==
        std::map<std::string, std::int64_t>{
            {"the", 1}, {" cat,", 1}, {" the", 1}, {" ", 1}, {" hat\nthe", 1}, {" end", 1}});
  const std::string longest(TrainingWords::long_word - 2, ',');
  CHECK(words_of(longest + "a1") == std::map<std::string, std::int64_t>{{longest + "a1", 1}});
}

TEST_CASE("long words are cut where scripts meet") {
  CHECK(script_length("word,") == 4);
  CHECK(script_length("12,;\n") == 5);
  CHECK(script_length("太初有道。太") == 12);
  CHECK(script_length("ひらがなカタカナ漢字") == 30);  // one script to the trainer
  CHECK(script_length("словоword") == 10);
  CHECK(script_length("한국어abc") == 9);
  CHECK(script_length(" word") == 5);     // the space is that of the word
  CHECK(script_length("e\u0301x") == 4);  // a combining accent belongs to any script
  std::string code;
  for (int i = 0; i < 100; ++i) code += "f(x);\n";
  CHECK(words_of(code) ==
        std::map<std::string, std::int64_t>{{"f", 100}, {"(", 100}, {"x", 100}, {");\n", 100}});
}

TEST_CASE("cutting long words changes no piece that the trainer makes") {
  // The same code with its parts as words of their own (no space is lost: there is none), and as one line.
  std::mt19937 random(7);
  std::vector<std::string> parts;
  for (int i = 0; i < 6000; ++i) {
    parts.push_back(random_letters(2 + random() % 3, static_cast<unsigned>(random() % 200)));
    parts.push_back(random() % 2 ? "(" : ");\n");
  }
  const auto train = [](const std::vector<std::string>& documents) {
    std::size_t next = 0;
    return Tokenizer::train(
               [&](std::string& document) {
                 if (next == documents.size()) return false;
                 document = documents[next++];
                 return true;
               },
               400)
        .serialized();
  };
  std::string line;
  for (const std::string& part : parts) line += part;
  CHECK(train(parts) == train({line}));
}

TEST_CASE("of text that never repeats the trainer gets a bounded sample, which stands for all of it") {
  const std::int64_t vocabulary = 1000;
  const std::uint64_t limit = TrainingWords::sample_characters(vocabulary);
  TrainingWords words(vocabulary);
  constexpr unsigned documents = 6;
  for (unsigned i = 0; i < documents; ++i) words.add(random_letters(1'000'000, i));
  const auto sample = words.sorted();
  CHECK(characters(sample) <= limit);
  CHECK(characters(sample) > limit / 4);
  double stands_for = 0;
  for (const auto& [word, count] : sample)
    stands_for += static_cast<double>(word.size()) * static_cast<double>(count);
  // 1465 stretches of 4096 letters, each drawn with probability 1/4: 5 standard deviations are a quarter.
  CHECK(stands_for == Approx(1e6 * documents).epsilon(0.25));
  TrainingWords other_order(vocabulary);
  for (unsigned i = documents; i-- > 0;) other_order.add(random_letters(1'000'000, i));
  CHECK(other_order.sorted() == sample);
  CHECK(TrainingWords::sample_characters(100'000) > limit);
}
