#pragma once
#include <cstdint>

namespace bitdarts {

/// Random numbers without a generator: each is a function of (seed, stream, a, b) and a counter, so that
/// nothing has to be saved, and no number depends on the rank or on the order of evaluation.
/// Streams are named constants so that two uses never share one.
enum class Stream : std::uint64_t {
  initialisation = 1,
  pretrain_batch,
  inner_batch,
  outer_batch,
  finetune_batch,
  validation_batch,
  calibration_batch,
  gumbel,
  document_split,
  tokenizer_sample,
  random_scheme
};

class KeyedRandom {
 public:
  KeyedRandom(std::uint64_t seed, Stream stream, std::uint64_t a = 0, std::uint64_t b = 0);
  /// The next 64 uniform bits (XXH3-64 of the key and the counter).
  std::uint64_t bits();
  /// Uniform in [0, n), without modulo bias. n > 0.
  std::uint64_t below(std::uint64_t n);
  /// Uniform in (0, 1), 53 bits.
  double uniform();
  /// Standard normal (Box-Muller).
  double normal();

 private:
  std::uint64_t key_[4];
  std::uint64_t counter_ = 0;
};

}  // namespace bitdarts
