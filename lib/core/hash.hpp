#pragma once
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace bitdarts {

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
  /// The 32 hexadecimal digits of everything hashed so far; may be called repeatedly.
  std::string hex() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bitdarts
