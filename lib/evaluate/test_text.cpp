#include "evaluate/test_text.hpp"

#include <cmath>
#include <numbers>
#include <span>

#include "core/error.hpp"
#include "data/corpus.hpp"

namespace bitdarts::evaluate {

TestText load_test_text(const std::filesystem::path& path, const model::ModelShape& shape,
                        const config::EvaluateOptions& options) {
  const std::int64_t stride = options.stride == 0 ? shape.context : options.stride;
  if (stride > shape.context) {
    throw ConfigError(
        "the windows of this model are " + std::to_string(shape.context) + " tokens long, and a stride of " +
            std::to_string(stride) + " would leave tokens out",
        "evaluate.stride", "choose evaluate.stride at most " + std::to_string(shape.context) + ", or 0");
  }
  if (options.max_tokens == 1) {
    throw ConfigError("one token has no other to be predicted from", "evaluate.max_tokens",
                      "give at least 2, or 0 for all");
  }
  auto corpus = data::load_corpus(path, shape.context, {data::Split::test});
  if (corpus.vocab_size != shape.vocab) {
    throw InputError("the tokens have another vocabulary than the model", path.string(),
                     "run tokenize and pretrain again with the same configuration");
  }
  TestText text{
      .tokens = std::move(corpus.test.ids), .bytes = corpus.test.bytes, .windows = {}, .protocol = {}};
  const bool cut =
      options.max_tokens > 0 && static_cast<std::size_t>(options.max_tokens) < text.tokens.size();
  if (cut) {
    text.tokens.resize(static_cast<std::size_t>(options.max_tokens));
    const auto piece_bytes = data::load_piece_bytes(path);
    text.bytes = 0;
    for (const std::int32_t token : std::span(text.tokens).subspan(1))
      text.bytes += piece_bytes[static_cast<std::size_t>(token)];
    if (text.bytes == 0) {
      throw ConfigError("the first tokens of the test part stand for no text", "evaluate.max_tokens",
                        "give more, or 0 for all");
    }
  }
  text.windows = plan_windows(static_cast<std::int64_t>(text.tokens.size()), shape.context, stride);
  text.protocol = describe_protocol(shape.context, stride, cut ? options.max_tokens : 0);
  return text;
}

Quality quality_of(double nll, std::int64_t tokens, std::uint64_t bytes) {
  const double mean = nll / static_cast<double>(tokens);
  return {.nll = mean,
          .perplexity = std::exp(mean),
          .bits_per_byte = nll / (std::numbers::ln2 * static_cast<double>(bytes))};
}

}  // namespace bitdarts::evaluate
