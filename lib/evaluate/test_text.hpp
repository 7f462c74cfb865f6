#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "evaluate/windows.hpp"
#include "model/layout.hpp"

namespace bitdarts::evaluate {

/// What is scored, and how.
struct TestText {
  std::vector<std::int32_t> tokens;
  std::uint64_t bytes = 0;  ///< of the text that bits per byte are counted over
  std::vector<Window> windows;
  std::string protocol;
};

/// The test part of tokens.h5, as far as it is to be read, for a model of this shape. ConfigError when the
/// options leave nothing to score, InputError when text and model do not belong together.
TestText load_test_text(const std::filesystem::path& path, const model::ModelShape& shape,
                        const config::EvaluateOptions& options);

/// A sum of negative log-likelihoods in the words of the products.
struct Quality {
  double nll = 0;  ///< nats per token
  double perplexity = 0, bits_per_byte = 0;
};
Quality quality_of(double nll, std::int64_t tokens, std::uint64_t bytes);

}  // namespace bitdarts::evaluate
