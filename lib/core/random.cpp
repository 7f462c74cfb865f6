#include "core/random.hpp"

#include <xxhash.h>

#include <bit>
#include <cmath>
#include <numbers>
#include <stdexcept>

namespace bitdarts {

// The key is hashed as it lies in memory; a big-endian machine would draw other numbers.
static_assert(std::endian::native == std::endian::little,
              "bitdarts products are defined for little-endian machines");

KeyedRandom::KeyedRandom(std::uint64_t seed, Stream stream, std::uint64_t a, std::uint64_t b)
    : key_{seed, static_cast<std::uint64_t>(stream), a, b} {}

std::uint64_t KeyedRandom::bits() {
  const std::uint64_t message[5] = {key_[0], key_[1], key_[2], key_[3], counter_++};
  return XXH3_64bits(message, sizeof message);
}

std::uint64_t KeyedRandom::below(std::uint64_t n) {
  if (n == 0) throw std::invalid_argument("KeyedRandom::below: n must be positive");
  // The lowest 2^64 mod n values would make the small remainders more frequent: draw again.
  const std::uint64_t excess = (std::uint64_t{0} - n) % n;
  std::uint64_t drawn = bits();
  while (drawn < excess) drawn = bits();
  return drawn % n;
}

double KeyedRandom::uniform() {
  // Adding half a unit instead of skipping zero would round the largest value up to 1.
  std::uint64_t drawn = bits() >> 11;
  while (drawn == 0) drawn = bits() >> 11;
  return static_cast<double>(drawn) * 0x1p-53;
}

double KeyedRandom::normal() {
  const double radius = std::sqrt(-2.0 * std::log(uniform()));
  return radius * std::cos(2.0 * std::numbers::pi * uniform());
}

}  // namespace bitdarts
