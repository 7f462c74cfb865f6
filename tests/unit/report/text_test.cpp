#include <cmath>

#include "catch.hpp"
#include "core/error.hpp"
#include "report/csv.hpp"
#include "report/format.hpp"
#include "report/html.hpp"
#include "support.hpp"

using namespace bitdarts;
using namespace bitdarts::report;

TEST_CASE("numbers are written for people") {
  CHECK(fixed(3.14159, 2) == "3.14");
  CHECK(fixed(NAN, 2) == "-");
  CHECK(fixed(INFINITY, 2) == "-");
  CHECK(significant(0.00312500001, 4) == "0.003125");
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1234567) == "1,234,567");
  CHECK(grouped(-1234) == "-1,234");
  CHECK(grouped(-123) == "-123");
  CHECK(byte_size(999) == "999 B");
  CHECK(byte_size(15000) == "15.0 kB");
  CHECK(byte_size(952000) == "0.95 MB");
  CHECK(byte_size(2.5e9) == "2.50 GB");
  CHECK(percent(0.03125, 3) == "3.125%");
  CHECK(duration("2026-01-02T03:04:05Z", "2026-01-02T03:04:47Z") == "42 s");
  CHECK(duration("2026-01-02T23:59:00Z", "2026-01-03T00:02:05Z") == "3 min 5 s");
  CHECK(duration("2026-01-02T03:04:05Z", "2026-01-02T05:14:05Z") == "2 h 10 min");
  CHECK(duration("yesterday", "2026-01-02T03:04:47Z").empty());
}

TEST_CASE("a table is aligned: the first column to the left, the others to the right, also beyond ASCII") {
  CHECK(aligned({{"scheme", "bits"}, {{"überall", "4"}, {"w", "16.25"}}}) ==
        "scheme    bits\n"
        "überall      4\n"
        "w        16.25\n");
  CHECK(aligned({{"a", "b"}, {{"only the first", ""}}}) == "a               b\nonly the first\n");
  CHECK_THROWS_AS(aligned({{"a", "b"}, {{"one cell"}}}), Error);
}

TEST_CASE("what is special in HTML is escaped, and what is no text is replaced") {
  CHECK(escaped("a < b && \"c\" > 'd'") == "a &lt; b &amp;&amp; &quot;c&quot; &gt; &#39;d&#39;");
  CHECK(escaped("λ, −, 日本, \U0001F600") == "λ, −, 日本, \U0001F600");
  const std::string replaced = "\xEF\xBF\xBD";
  CHECK(escaped("a\xFFz") == "a" + replaced + "z");
  CHECK(escaped("\xC0\xAF") == replaced + replaced);                 // overlong "/"
  CHECK(escaped("\xED\xA0\x80") == replaced + replaced + replaced);  // a surrogate
  CHECK(escaped("cut \xE2\x96") == "cut " + replaced + replaced);
  CHECK(escaped(std::string("nul\0", 4)) == "nul" + replaced);
  CHECK(escaped("line\n\tnext") == "line\n\tnext");
}

TEST_CASE("tables, sections and figures escape what they are given") {
  const std::string table = to_html({{"<h>"}, {{{"<script>alert(1)</script>"}, "a\"b"}}});
  CHECK(!contains(table, "<script"));
  CHECK(contains(table, "&lt;script&gt;"));
  CHECK(contains(table, "class=\"a&quot;b\""));
  CHECK(unbalanced_tag(table).empty());
  CHECK(contains(section("x", "a & b", ""), "<h2>a &amp; b</h2>"));
  CHECK(figure("", "title", "words").empty());
  CHECK(contains(page("<t>", ""), "<title>&lt;t&gt;</title>"));
}

TEST_CASE("CSV cells are quoted where they need it, and numbers are read back exactly") {
  Csv csv({"name", "value"});
  CHECK(csv.empty());
  csv.row({"plain", csv_number(0.1)});
  csv.row({"a,b", csv_number(1.0 / 3)});
  csv.row({"he said \"no\"", csv_number(NAN)});
  csv.row({"two\nlines", "-"});
  CHECK(csv.text() ==
        "name,value\nplain,0.1\n\"a,b\",0.3333333333333333\n\"he said \"\"no\"\"\",\n\"two\nlines\",-\n");
  for (const double value : {0.1, 1.0 / 3, 1e-300, 123456789.123456789, -0.0})
    CHECK(std::stod(csv_number(value)) == value);
  CHECK_THROWS_AS(csv.row({"one cell"}), Error);
}
