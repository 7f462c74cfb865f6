#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace bitdarts {

/// 128 bits of a hash.
struct Digest {
  std::uint64_t high = 0, low = 0;
};

/// A streaming 128-bit content hash (XXH3) for keys, input hashes and whole-file checks; not cryptographic.
class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;

  Hasher& bytes(std::span<const std::byte> data);
  /// The length is hashed too, so that ("ab","c") and ("a","bc") differ.
  Hasher& text(std::string_view text);
  template <class T>
  Hasher& values(std::span<const T> data) {
    return bytes(std::as_bytes(data));
  }
  /// The hash of everything so far; may be called repeatedly.
  Digest digest() const;
  /// The digest in 32 hexadecimal digits, the high ones first.
  std::string hex() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bitdarts
