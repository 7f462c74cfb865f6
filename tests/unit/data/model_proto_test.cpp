#include "data/model_proto.hpp"

#include "catch.hpp"

using bitdarts::data::is_bpe;
using bitdarts::data::without_tables;
using namespace std::string_literals;

// Messages by hand: tag = number << 3 | wire type.
namespace {

const std::string piece =
    "\x0a\x05\x0a\x03"s
    "abc";  // field 1: a piece
const std::string spec =
    "\x1a\x0d\x0a\x03"s
    "nmt"
    "\x12\x02"s
    "xy"
    "\x18\x01\x20\x00"s;  // name, charsmap, two flags
const std::string spec_without_charsmap =
    "\x1a\x09\x0a\x03"s
    "nmt"
    "\x18\x01\x20\x00"s;
const std::string self_test =
                      "\x22\x02"s
                      "st",
                  denormalizer =
                      "\x2a\x02"s
                      "de";
const std::string float_field =
                      "\x35"s
                      "1234",
                  long_field =
                      "\x39"s
                      "12345678";

}  // namespace

TEST_CASE("what SentencePiece takes on trust is left out of a model, and all else stays as it lies") {
  CHECK(without_tables(piece) == piece);
  CHECK(without_tables(piece + float_field + long_field) == piece + float_field + long_field);
  CHECK(without_tables(piece + spec) == piece + spec_without_charsmap);
  CHECK(without_tables(self_test + piece + denormalizer + spec + spec) ==
        piece + spec_without_charsmap + spec_without_charsmap);
  CHECK(without_tables("") == "");
}

TEST_CASE("a model that is cut off or no protocol buffer is noticed wherever it ends") {
  const std::string model = piece + spec + float_field + long_field;
  for (std::size_t length = 1; length < model.size(); ++length) {
    const bool between_fields = length == piece.size() || length == piece.size() + spec.size() ||
                                length == model.size() - long_field.size();
    INFO(length);
    CHECK(without_tables(model.substr(0, length)).has_value() == between_fields);
  }
  CHECK_FALSE(without_tables("\x0b"s));                                          // a group
  CHECK_FALSE(without_tables("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s));  // longer than memory
  CHECK_FALSE(without_tables(std::string(12, '\xff')));                          // a number that does not end
}

TEST_CASE("the kind of a model is read from its trainer_spec") {
  const auto trained_as = [](char type) {
    return "\x12\x07\x0a\x03"s
           "txt"
           "\x18"s +
           type;
  };
  CHECK(is_bpe(piece + trained_as(2) + spec));
  CHECK_FALSE(is_bpe(piece + trained_as(1) + spec));  // unigram
  CHECK_FALSE(is_bpe(piece + trained_as(3) + spec));  // word
  CHECK_FALSE(is_bpe(piece + spec));                  // unigram is what it is when it says nothing
}
