#include "core/hash.hpp"

#include <vector>

#include "catch.hpp"

using bitdarts::Hasher;

TEST_CASE("the hash of nothing is XXH3-128's published value") {
  CHECK(Hasher().hex() == "99aa06d3014798d86001c324468d497f");
  CHECK(Hasher().bytes({}).hex() == "99aa06d3014798d86001c324468d497f");
}

TEST_CASE("pieces hash like the whole") {
  std::vector<float> values(10000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) * 0.25f;
  const std::span<const float> all(values);
  const auto whole = Hasher().values(all).hex();
  Hasher pieces;
  for (std::size_t at = 0; at < values.size(); at += 625) pieces.values(all.subspan(at, 625));
  CHECK(pieces.hex() == whole);
  CHECK(pieces.hex() == whole);  // asking changes nothing
  values[5000] = 0;
  CHECK(Hasher().values(all).hex() != whole);
}

TEST_CASE("texts keep their borders") {
  CHECK(Hasher().text("ab").text("c").hex() != Hasher().text("a").text("bc").hex());
  CHECK(Hasher().text("").text("a").hex() != Hasher().text("a").text("").hex());
  CHECK(Hasher().text("ab").hex() == Hasher().text("ab").hex());
}
