#include "core/hash.hpp"

#include <xxhash.h>

#include <array>
#include <cstdint>
#include <new>

namespace bitdarts {

struct Hasher::State {
  XXH3_state_t* xxh = XXH3_createState();
  State() {
    if (xxh == nullptr) throw std::bad_alloc();
    XXH3_128bits_reset(xxh);
  }
  ~State() { XXH3_freeState(xxh); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

Hasher::Hasher() : state_(std::make_unique<State>()) {}
Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

Hasher& Hasher::bytes(std::span<const std::byte> data) {
  // xxHash before 0.8.2 rejects a null pointer even with length 0.
  if (!data.empty()) XXH3_128bits_update(state_->xxh, data.data(), data.size());
  return *this;
}

Hasher& Hasher::text(std::string_view text) {
  std::array<std::byte, 8> length{};  // little-endian on every machine
  for (std::size_t i = 0; i < length.size(); ++i) {
    length[i] = static_cast<std::byte>(static_cast<std::uint64_t>(text.size()) >> (8 * i));
  }
  bytes(length);
  return bytes(std::as_bytes(std::span(text.data(), text.size())));
}

Digest Hasher::digest() const {
  const XXH128_hash_t hash = XXH3_128bits_digest(state_->xxh);
  return {hash.high64, hash.low64};
}

std::string Hasher::hex() const {
  static constexpr char digits[] = "0123456789abcdef";
  const Digest all = digest();
  std::string hex;
  for (const std::uint64_t half : {all.high, all.low}) {
    for (int shift = 60; shift >= 0; shift -= 4) hex += digits[(half >> shift) & 15];
  }
  return hex;
}

}  // namespace bitdarts
