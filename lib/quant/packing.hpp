#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "quant/mixed.hpp"

namespace bitdarts::quant {

/// Codes of `bits` bits each (2..16), least significant bit first, rows of `columns` codes padded to a whole
/// byte so that rows can be read on their own: ceil(columns * bits / 8) bytes a row.
std::vector<std::uint8_t> pack_codes(std::span<const std::int32_t> codes, std::int64_t rows,
                                     std::int64_t columns, int bits);
/// InputError when the byte count does not fit the shape. Codes come back sign-extended.
std::vector<std::int32_t> unpack_codes(std::span<const std::uint8_t> bytes, std::int64_t rows,
                                       std::int64_t columns, int bits);
std::size_t packed_bytes(std::int64_t rows, std::int64_t columns, int bits);

/// Integer codes of x under one candidate (not the identity), and the values they stand for:
/// dequantize(codes_of(x)) equals mixed_forward(x) with that single candidate, bit for bit.
std::vector<std::int32_t> codes_of(std::span<const float> x, const BoundCandidate<float>& candidate);
void dequantize(std::span<const std::int32_t> codes, const BoundCandidate<float>& candidate,
                std::span<float> values);

}  // namespace bitdarts::quant
