#include "quant/packing.hpp"

#include <cmath>

#include "core/error.hpp"

namespace bitdarts::quant {
namespace {

std::size_t row_bytes(std::int64_t columns, int bits) {
  return (static_cast<std::size_t>(columns) * static_cast<std::size_t>(bits) + 7) / 8;
}

void require_shape(std::int64_t rows, std::int64_t columns, int bits) {
  if (rows < 0 || columns < 0) throw Error("a packed matrix cannot have a negative size");
  if (bits < 2 || bits > 16) throw Error("codes are packed with 2 to 16 bits, not " + std::to_string(bits));
}

std::string shape(std::int64_t rows, std::int64_t columns, int bits) {
  return std::to_string(rows) + " x " + std::to_string(columns) + " codes of " + std::to_string(bits) +
         " bits";
}

}  // namespace

std::size_t packed_bytes(std::int64_t rows, std::int64_t columns, int bits) {
  require_shape(rows, columns, bits);
  return static_cast<std::size_t>(rows) * row_bytes(columns, bits);
}

std::vector<std::uint8_t> pack_codes(std::span<const std::int32_t> codes, std::int64_t rows,
                                     std::int64_t columns, int bits) {
  std::vector<std::uint8_t> bytes(packed_bytes(rows, columns, bits));
  if (codes.size() != static_cast<std::size_t>(rows * columns))
    throw Error(std::to_string(codes.size()) + " codes cannot be packed as " + shape(rows, columns, bits));
  const std::int32_t largest = (1 << (bits - 1)) - 1, smallest = -largest - 1;
  const std::uint32_t mask = (1u << bits) - 1;
  std::size_t at = 0;
  auto code = codes.begin();
  for (std::int64_t row = 0; row < rows; ++row) {
    std::uint32_t waiting = 0;  // at most 7 + 16 bits
    int waiting_bits = 0;
    for (std::int64_t column = 0; column < columns; ++column, ++code) {
      if (*code < smallest || *code > largest)
        throw Error("code " + std::to_string(*code) + " does not fit " + std::to_string(bits) + " bits");
      waiting |= (static_cast<std::uint32_t>(*code) & mask) << waiting_bits;
      for (waiting_bits += bits; waiting_bits >= 8; waiting_bits -= 8, waiting >>= 8)
        bytes[at++] = static_cast<std::uint8_t>(waiting & 0xff);
    }
    if (waiting_bits > 0) bytes[at++] = static_cast<std::uint8_t>(waiting);
  }
  return bytes;
}

std::vector<std::int32_t> unpack_codes(std::span<const std::uint8_t> bytes, std::int64_t rows,
                                       std::int64_t columns, int bits) {
  const std::size_t expected = packed_bytes(rows, columns, bits);
  if (bytes.size() != expected)
    throw InputError(std::to_string(bytes.size()) + " packed bytes where " + shape(rows, columns, bits) +
                     " take " + std::to_string(expected));
  std::vector<std::int32_t> codes(static_cast<std::size_t>(rows * columns));
  const std::uint32_t mask = (1u << bits) - 1, sign = 1u << (bits - 1);
  auto code = codes.begin();
  for (std::int64_t row = 0; row < rows; ++row) {
    std::size_t at = static_cast<std::size_t>(row) * row_bytes(columns, bits);
    std::uint32_t waiting = 0;
    int waiting_bits = 0;
    for (std::int64_t column = 0; column < columns; ++column, waiting >>= bits, waiting_bits -= bits) {
      for (; waiting_bits < bits; waiting_bits += 8)
        waiting |= static_cast<std::uint32_t>(bytes[at++]) << waiting_bits;
      const std::uint32_t field = waiting & mask;
      *code++ = static_cast<std::int32_t>(field ^ sign) - static_cast<std::int32_t>(sign);
    }
  }
  return codes;
}

std::vector<std::int32_t> codes_of(std::span<const float> x, const BoundCandidate<float>& candidate) {
  if (!has_codes(traits(candidate.method))) throw Error("the candidate fp32 has no codes");
  std::vector<std::int32_t> codes(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    float code = std::nearbyint(position(x[i], candidate));
    if (std::isnan(code)) throw Error("element " + std::to_string(i) + " is not a number and has no code");
    code = code < candidate.smallest  ? candidate.smallest
           : code > candidate.largest ? candidate.largest
                                      : code;
    codes[i] = static_cast<std::int32_t>(code);
  }
  return codes;
}

void dequantize(std::span<const std::int32_t> codes, const BoundCandidate<float>& candidate,
                std::span<float> values) {
  if (!has_codes(traits(candidate.method))) throw Error("the candidate fp32 has no codes");
  if (values.size() != codes.size()) throw Error("there are not as many codes as values");
  for (std::size_t i = 0; i < codes.size(); ++i)
    values[i] = candidate.step * static_cast<float>(codes[i]) + candidate.offset;
}

}  // namespace bitdarts::quant
