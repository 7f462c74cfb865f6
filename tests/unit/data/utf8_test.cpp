#include "data/utf8.hpp"

#include <string>

#include "catch.hpp"

using namespace bitdarts::data;
using namespace std::string_literals;

TEST_CASE("well-formed UTF-8 is told from what only looks like it") {
  CHECK(utf8_length("a") == 1);
  CHECK(utf8_length("\0"s) == 1);
  CHECK(utf8_length("я") == 2);
  CHECK(utf8_length("€") == 3);
  CHECK(utf8_length("\U0001F600") == 4);
  CHECK(utf8_length("\xF4\x8F\xBF\xBF") == 4);  // U+10FFFF

  CHECK(utf8_length("") == 0);
  CHECK(utf8_length("\x80") == 0);      // continuation without a lead
  CHECK(utf8_length("\xC0\xAF") == 0);  // overlong '/'
  CHECK(utf8_length("\xC1\xBF") == 0);
  CHECK(utf8_length("\xE0\x9F\xBF") == 0);      // overlong
  CHECK(utf8_length("\xF0\x8F\xBF\xBF") == 0);  // overlong
  CHECK(utf8_length("\xED\xA0\x80") == 0);      // surrogate U+D800
  CHECK(utf8_length("\xED\x9F\xBF") == 3);      // U+D7FF, just below
  CHECK(utf8_length("\xF4\x90\x80\x80") == 0);  // U+110000
  CHECK(utf8_length("\xFF") == 0);
  CHECK(utf8_length("\xD1") == 0);  // cut off
  CHECK(utf8_length("\xE2\x96") == 0);
  CHECK(utf8_length("\xD1z") == 0);
}

TEST_CASE("text is cut into runs that SentencePiece gives back and runs that it does not") {
  const std::string text = "ab\xFF\xFE\xE2\x96\x81жz";
  const TextRun first = next_run(text);
  CHECK(first.plain);
  CHECK(first.text == "ab");
  const TextRun second = next_run(std::string_view(text).substr(2));
  CHECK_FALSE(second.plain);
  CHECK(second.text == "\xFF\xFE\xE2\x96\x81");
  const TextRun third = next_run(std::string_view(text).substr(7));
  CHECK(third.plain);
  CHECK(third.text == "жz");
}

TEST_CASE("long text is cut before a space, else between characters") {
  CHECK(cut_point("short", 8) == 5);
  CHECK(cut_point("one two three", 8) == 7);  // "one two" | " three"
  CHECK(cut_point("one  two", 8) == 8);
  CHECK(cut_point("onetwo   three", 8) == 6);  // before the run of spaces, not inside it
  CHECK(cut_point("abcdefghijkl", 8) == 8);
  CHECK(cut_point("яяяяяяяяяяяя", 9) == 8);  // 2 bytes each
}
