#include "data/tokenizer.hpp"

#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>

#include <random>
#include <sstream>
#include <unordered_map>
#include <utility>

#include "catch.hpp"
#include "core/error.hpp"
#include "data/words.hpp"
#include "scratch.hpp"

using namespace bitdarts;
using bitdarts::data::Tokenizer;
using bitdarts::test::mentions;
using bitdarts::test::message_of;
using namespace std::string_literals;

namespace {

std::string sample_text() {
  std::string text;
  for (int i = 0; i < 40; ++i) {
    text += "In the beginning was the word number " + std::to_string(i * 37) + ", and the word was short.\n";
    text += "В начале было слово, и слово было у нас; глава " + std::to_string(i) + ".\r\n\n";
  }
  return text;
}

Tokenizer train(const std::vector<std::string>& documents, std::int64_t vocab_size) {
  std::size_t next = 0;
  return Tokenizer::train(
      [&](std::string& document) {
        if (next == documents.size()) return false;
        document = documents[next++];
        return true;
      },
      vocab_size);
}

Tokenizer trained() { return train({sample_text()}, 400); }

struct Lines : sentencepiece::SentenceIterator {
  std::vector<std::string> lines;
  std::size_t at = 0;
  bool done() const override { return at >= lines.size(); }
  void Next() override { ++at; }
  const std::string& value() const override { return lines[at]; }
  sentencepiece::util::Status status() const override { return {}; }
};

// A model as someone else may have made it.
std::string foreign_model(const std::unordered_map<std::string, std::string>& changes) {
  Lines iterator;
  std::istringstream text(sample_text());
  for (std::string line; std::getline(text, line);) iterator.lines.push_back(line);
  std::unordered_map<std::string, std::string> options{
      {"model_type", "bpe"}, {"vocab_size", "400"}, {"minloglevel", "3"}, {"character_coverage", "1.0"}};
  for (const auto& [key, value] : changes) options[key] = value;
  std::string model;
  const auto status = sentencepiece::SentencePieceTrainer::Train(options, &iterator, &model);
  INFO(status.ToString());
  REQUIRE(status.ok());
  return model;
}

void check_round_trip(const Tokenizer& tokenizer, const std::string& text) {
  const auto tokens = tokenizer.encode(text);
  for (const std::int32_t token : tokens) REQUIRE((token >= 0 && token < tokenizer.vocab_size()));
  REQUIRE(tokenizer.decode(tokens) == text);
}

// The options that give what a Tokenizer makes of a model.
const std::unordered_map<std::string, std::string> as_it_is{{"normalization_rule_name", "identity"},
                                                            {"add_dummy_prefix", "false"},
                                                            {"remove_extra_whitespaces", "false"},
                                                            {"byte_fallback", "true"}};

std::string foreign_model_as_it_is(std::unordered_map<std::string, std::string> changes) {
  changes.insert(as_it_is.begin(), as_it_is.end());
  return foreign_model(changes);
}

}  // namespace

TEST_CASE("every byte string comes back from the tokenizer") {
  const Tokenizer tokenizer = trained();
  CHECK(tokenizer.vocab_size() == 400);
  CHECK(tokenizer.has_byte_fallback());
  check_round_trip(tokenizer, "");
  check_round_trip(tokenizer, sample_text());
  check_round_trip(tokenizer, "Съешь же ещё этих мягких французских булок, да выпей чаю. Ёжик № 5 — «тест»");
  check_round_trip(tokenizer, "  two  spaces \t tab, end  ");
  check_round_trip(tokenizer, "CRLF\r\nCR\rLF\n\n");
  check_round_trip(tokenizer, "NUL\0in\0\0side"s);
  check_round_trip(tokenizer, "mark \xE2\x96\x81 and\xE2\x96\x81 more \xE2\x96\x85 \xE2\x81\x87");
  check_round_trip(tokenizer, "\xFF\xFEinvalid \xC3( \xED\xA0\x80 \xF5 cut \xE2\x96");
  check_round_trip(tokenizer,
                   "ligature ﬁ, wide Ａ, combining e\u0301, soft\u00ADhyphen, \uFEFFBOM, \U0001F600 ");
  check_round_trip(tokenizer, "<unk> <s> </s> <0x41> <0x0A>");
}

TEST_CASE("random bytes come back from the tokenizer") {
  const Tokenizer tokenizer = trained();
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    std::string text(random() % 64, ' ');
    for (char& c : text) c = static_cast<char>(random());
    check_round_trip(tokenizer, text);
  }
}

TEST_CASE("text becomes fewer tokens than bytes, and no control pieces") {
  const Tokenizer tokenizer = trained();
  const std::string text = "and the word was short. И слово было у нас";
  const auto tokens = tokenizer.encode(text);
  CHECK(tokens.size() < text.size() / 2);
  for (const std::int32_t token : tokens) CHECK(token != tokenizer.document_end());
  CHECK(tokenizer.decode(std::vector<std::int32_t>{tokenizer.document_end()}).empty());
}

TEST_CASE("a text longer than one stretch is tokenized as its parts are") {
  const Tokenizer tokenizer = trained();
  const std::string words = " the word was short";
  std::string text;
  while (text.size() < 200'000) text += words;
  const auto once = tokenizer.encode(words);
  const auto all = tokenizer.encode(text);
  REQUIRE(all.size() == once.size() * (text.size() / words.size()));
  for (std::size_t i = 0; i < all.size(); ++i) REQUIRE(all[i] == once[i % once.size()]);
  check_round_trip(tokenizer, std::string(200'000, 'x'));  // no space to cut at
  std::string russian;
  while (russian.size() < 150'001) russian += "ы";
  check_round_trip(tokenizer, russian);
}

TEST_CASE("the tokens are those that SentencePiece gives the whole text") {
  // Pieces within words; across words; with the space behind the word; of another kind of model.
  const std::string models[] = {foreign_model_as_it_is({}),
                                foreign_model_as_it_is({{"split_by_whitespace", "false"}}),
                                foreign_model_as_it_is({{"treat_whitespace_as_suffix", "true"}}),
                                foreign_model_as_it_is({{"user_defined_symbols", "word was,  two"}}),
                                foreign_model_as_it_is({{"model_type", "unigram"}, {"vocab_size", "350"}})};
  std::mt19937 random(11);
  const std::string alphabet = "the wordbegin   was,.\n\t";
  for (const std::string& model : models) {
    sentencepiece::SentencePieceProcessor processor;
    REQUIRE(processor.LoadFromSerializedProto(model).ok());
    const Tokenizer tokenizer(model);
    const auto check = [&](const std::string& text) {
      std::vector<int> ids;
      REQUIRE(processor.Encode(text, &ids).ok());
      REQUIRE(tokenizer.encode(text) == std::vector<std::int32_t>(ids.begin(), ids.end()));
    };
    check(sample_text());
    check(sample_text());  // now from the words that are known
    for (int round = 0; round < 300; ++round) {
      std::string text;
      for (std::size_t length = random() % 80; text.size() < length;)
        text += alphabet[random() % alphabet.size()];
      check(text);
    }
  }
}

TEST_CASE("text is cut where no piece of the vocabulary reaches across, and not within characters") {
  data::WordSplitter splitter;
  for (const char* piece : {" th", "he", "\xD1\x8F\xD1\x8F", "."}) splitter.add_piece(piece);
  CHECK(splitter.word_length(" the") == 4);
  CHECK(splitter.word_length(" the the") == 4);
  CHECK(splitter.word_length("the.") == 3);
  CHECK(splitter.word_length(".the") == 1);
  CHECK(splitter.word_length("..") == 1);
  CHECK(splitter.word_length("яяя.") == 6);
  CHECK(splitter.word_length("жя") == 2);  // bytes of ж stand side by side in no piece
  CHECK(splitter.word_length("e") == 1);
}

TEST_CASE("known words are found again, and make room when they are too many") {
  data::WordCache words;
  const auto name = [](std::size_t i) { return " word" + std::to_string(i); };
  const auto tokens = [](std::size_t i) {
    return std::vector<std::int32_t>(i % 4, static_cast<std::int32_t>(i));
  };
  const auto knows = [&](std::size_t i) {
    const auto found = words.find(name(i));
    if (found) REQUIRE(std::vector<std::int32_t>(found->begin(), found->end()) == tokens(i));
    return found.has_value();
  };
  for (std::size_t i = 0; i < data::WordCache::capacity; ++i) words.insert(name(i), tokens(i));
  for (std::size_t i = 0; i < data::WordCache::capacity; ++i) REQUIRE(knows(i));
  const std::size_t one_more = data::WordCache::capacity;
  words.insert(name(one_more), tokens(one_more));
  CHECK(knows(one_more));
  CHECK_FALSE(knows(0));
  words.insert(name(one_more), tokens(1));  // what is known stays
  CHECK(knows(one_more));
  const std::string long_word(data::WordCache::word_bytes + 1, 'x');
  words.insert(long_word, tokens(3));
  CHECK_FALSE(words.find(long_word));
}

TEST_CASE("training depends on the text alone") {
  CHECK(trained().serialized() == trained().serialized());
  // What the trainer cannot learn from is passed over, not the text around it.
  const Tokenizer tokenizer = train({sample_text() + "\0\xFF\xE2\x96\x85"s, "", sample_text()}, 400);
  check_round_trip(tokenizer, sample_text());
}

TEST_CASE("the trainer learns from words what it learns from their text") {
  // The trainer's own reading of the same sentences, and ours of them as documents.
  std::vector<std::string> sentences;
  for (const std::string& line :
       {sample_text(), "  two  spaces "s, "and\twords\twith tabs\tin \tthem\t\tand\t"s, "x"s, " x"s})
    for (int i = 0; i < 60; ++i) sentences.push_back(line);
  for (const bool tabs : {true, false}) {
    CAPTURE(tabs);
    if (!tabs)
      std::erase_if(sentences, [](const std::string& s) { return s.find('\t') != std::string::npos; });
    std::string expected;
    const std::unordered_map<std::string, std::string> options{{"model_type", "bpe"},
                                                               {"vocab_size", "400"},
                                                               {"byte_fallback", "true"},
                                                               {"normalization_rule_name", "identity"},
                                                               {"add_dummy_prefix", "false"},
                                                               {"remove_extra_whitespaces", "false"},
                                                               {"max_sentence_length", "1000000"},
                                                               {"minloglevel", "3"}};
    Lines iterator;
    iterator.lines = sentences;
    const auto status = sentencepiece::SentencePieceTrainer::Train(options, &iterator, &expected);
    REQUIRE(status.ok());
    sentencepiece::SentencePieceProcessor reference, found;
    REQUIRE(reference.LoadFromSerializedProto(expected).ok());
    REQUIRE(found.LoadFromSerializedProto(train(sentences, 400).serialized()).ok());
    REQUIRE(found.GetPieceSize() == reference.GetPieceSize());
    for (int id = 0; id < found.GetPieceSize(); ++id) CHECK(found.IdToPiece(id) == reference.IdToPiece(id));
  }
}

TEST_CASE("a trained model survives its file") {
  const test::Scratch scratch;
  const Tokenizer tokenizer = trained();
  const auto path = scratch.write("some.model", tokenizer.serialized());
  const Tokenizer again = Tokenizer::from_file(path);
  CHECK(again.encode(sample_text()) == tokenizer.encode(sample_text()));
  CHECK(again.serialized() == tokenizer.serialized());
}

TEST_CASE("a vocabulary that the text cannot fill is a configuration error with the largest possible value") {
  const std::string message = message_of<ConfigError>([] { train({"the cat sat on the mat"}, 5000); });
  mentions(message, "tokenizer.vocab_size = 5000");
  const auto at = message.find("vocab_size to ");
  REQUIRE(at != std::string::npos);
  const int largest = std::stoi(message.substr(at + 14));
  CHECK(train({"the cat sat on the mat"}, largest).vocab_size() == largest);
  CHECK_THROWS_AS(train({"the cat sat on the mat"}, largest + 1), ConfigError);
}

TEST_CASE(
    "a vocabulary without room for bytes and characters is a configuration error with the smallest value") {
  const std::string message = message_of<ConfigError>([] { train({sample_text()}, 262); });
  const auto at = message.find("vocab_size to ");
  REQUIRE(at != std::string::npos);
  const int smallest = std::stoi(message.substr(at + 14));
  CHECK(train({sample_text()}, smallest).vocab_size() == smallest);
}

TEST_CASE("training without text is refused") {
  CHECK_THROWS_AS(train({}, 400), InputError);
  CHECK_THROWS_AS(train({"", "\xFF"}, 400), InputError);
}

TEST_CASE("training beside a poll gives the same model, and its errors") {
  int polls = 0;
  const auto once = [](const std::string& text) {
    return [text, given = false](std::string& document) mutable {
      document = text;
      return !std::exchange(given, true);
    };
  };
  CHECK(Tokenizer::train(once(sample_text()), 400, [&] { ++polls; }).serialized() == trained().serialized());
  CHECK(polls > 0);
  CHECK_THROWS_AS(Tokenizer::train(once("the cat"), 5000, [] {}), ConfigError);
}

TEST_CASE("an error of the text's reader passes through training") {
  const auto next = [](std::string&) -> bool { throw InputError("damaged"); };
  mentions(message_of<InputError>([&] { Tokenizer::train(next, 400); }), "damaged");
}

TEST_CASE("what is not a SentencePiece model is refused") {
  const test::Scratch scratch;
  const std::string model = trained().serialized();
  CHECK_THROWS_AS(Tokenizer(""), InputError);
  CHECK_THROWS_AS(Tokenizer("hello world"), InputError);
  CHECK_THROWS_AS(Tokenizer(model.substr(0, model.size() / 2)), InputError);
  mentions(message_of<InputError>([&] { Tokenizer::from_file(scratch.write("bad.model", "nonsense")); }),
           "bad.model");
  mentions(message_of<InputError>([&] { Tokenizer::from_file(scratch / "missing.model"); }), "missing.model");
  CHECK_THROWS_AS(Tokenizer(foreign_model({{"eos_id", "-1"}})), InputError);
}

TEST_CASE("a model with normalisation and dummy prefix carries every byte when it has byte fallback") {
  const Tokenizer tokenizer(
      foreign_model({{"byte_fallback", "true"}, {"normalization_rule_name", "nmt_nfkc_cf"}}));
  check_round_trip(tokenizer, sample_text());
  check_round_trip(tokenizer, "  ﬁ  Ａ UPPER\n\n e\u0301 \xFF\0 "s);
  check_round_trip(tokenizer, " leading space");
}

TEST_CASE("a model without byte fallback refuses what it cannot carry, and says where") {
  const Tokenizer tokenizer(foreign_model({}));
  CHECK_FALSE(tokenizer.has_byte_fallback());
  check_round_trip(tokenizer, "the word was short. слово было");
  const auto offset_in = [&](const std::string& text) -> std::size_t {
    try {
      tokenizer.encode(text);
    } catch (const data::UnencodableText& error) {
      return error.offset();
    }
    return std::string::npos;
  };
  CHECK(offset_in("the word\nwas") == 8);
  CHECK(offset_in("слово €") == 11);
  CHECK(offset_in("t€") == 1);
  CHECK(offset_in("\U0001F600") == 0);
  CHECK(offset_in("word \xFF") == 5);
  CHECK(offset_in("word\xE2\x96\x81") == 4);
}

TEST_CASE("decoding a token outside the vocabulary is an error") {
  const Tokenizer tokenizer = trained();
  CHECK_THROWS_AS(tokenizer.decode(std::vector<std::int32_t>{400}), Error);
  CHECK_THROWS_AS(tokenizer.decode(std::vector<std::int32_t>{-1}), Error);
}
