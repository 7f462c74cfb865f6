#include "quant/packing.hpp"

#include <cstring>

#include "catch.hpp"
#include "core/error.hpp"
#include "inputs.hpp"

using namespace quant_test;

TEST_CASE("packed codes come back, whatever the width and the shape") {
  for (int bits = 2; bits <= 16; ++bits)
    for (const auto& [rows, columns] :
         std::vector<std::pair<int, int>>{{1, 1}, {3, 7}, {5, 1}, {4, 33}, {2, 64}, {0, 5}, {3, 0}}) {
      CAPTURE(bits, rows, columns);
      const std::int32_t low = -(1 << (bits - 1)), high = (1 << (bits - 1)) - 1;
      KeyedRandom random(static_cast<std::uint64_t>(bits), Stream::initialisation);
      std::vector<std::int32_t> codes(static_cast<std::size_t>(rows * columns));
      for (auto& code : codes) code = low + static_cast<std::int32_t>(random.below(1ull << bits));
      if (codes.size() >= 2) codes.front() = low, codes.back() = high;
      const auto bytes = pack_codes(codes, rows, columns, bits);
      CHECK(bytes.size() == packed_bytes(rows, columns, bits));
      CHECK(bytes.size() == static_cast<std::size_t>(rows * ((columns * bits + 7) / 8)));
      CHECK(unpack_codes(bytes, rows, columns, bits) == codes);
    }
}

TEST_CASE("codes are packed least significant bit first and rows start on bytes") {
  // 5-bit codes 1, 2, 3 = 00001 00010 00011: bytes 010_00001 and 0_00011_00.
  const std::vector<std::int32_t> codes{1, 2, 3, -1, 0, 0};
  CHECK(pack_codes(codes, 2, 3, 5) == std::vector<std::uint8_t>{0x41, 0x0c, 0x1f, 0x00});
}

TEST_CASE("a code that does not fit is an error, and so is a wrong size") {
  CHECK_THROWS(pack_codes(std::vector<std::int32_t>{8}, 1, 1, 4));
  CHECK_THROWS(pack_codes(std::vector<std::int32_t>{-9}, 1, 1, 4));
  CHECK_THROWS(pack_codes(std::vector<std::int32_t>{1, 2}, 1, 1, 4));
  CHECK_THROWS(packed_bytes(1, 1, 1));
  CHECK_THROWS(packed_bytes(1, 1, 17));
  CHECK_THROWS(packed_bytes(-1, 1, 4));
  CHECK_THROWS_AS(unpack_codes(std::vector<std::uint8_t>(3), 2, 2, 4), InputError);
}

TEST_CASE("codes stand for the values of the mixed quantizer, bit for bit") {
  for (const auto& candidate : all_candidates()) {
    if (candidate.method == Method::identity) continue;
    CAPTURE(to_string(candidate));
    for (const double offset : {0.0, -0.0, 0.37}) {
      const auto bound = bind<float>(candidate, usual_range(candidate), offset, 1);
      const auto x = mixed_values<float>({bound}, 3001);
      const auto columns = static_cast<std::int64_t>(x.size());
      const auto codes = codes_of(x, bound);
      REQUIRE(unpack_codes(pack_codes(codes, 1, columns, candidate.bits), 1, columns, candidate.bits) ==
              codes);
      std::vector<float> values(x.size()), expected(x.size());
      dequantize(codes, bound, values);
      mixed_forward<float>(x, {&bound, 1}, expected);
      REQUIRE(std::memcmp(values.data(), expected.data(), values.size() * sizeof(float)) == 0);
    }
  }
}

TEST_CASE("infinities have the outermost codes, NaN and the identity none") {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const auto bound = bind<float>({Method::lsq_plus, 4}, 0.1, 0, 1);
  CHECK(codes_of(std::vector<float>{infinity, -infinity}, bound) == std::vector<std::int32_t>{7, -8});
  CHECK_THROWS(codes_of(std::vector<float>{std::numeric_limits<float>::quiet_NaN()}, bound));
  CHECK_THROWS(codes_of(std::vector<float>{1.0f}, bind<float>({}, 1, 0, 1)));
}
