#include <algorithm>

#include "core/error.hpp"
#include "data/corpus.hpp"

namespace bitdarts::data {

Sampler::Sampler(const TokenPart& part, std::int64_t context, std::uint64_t seed, Stream stream)
    : part_(part), context_(context), seed_(seed), stream_(stream) {
  if (context < 1) throw ConfigError("the context must hold at least one token", "model.context");
  if (static_cast<std::int64_t>(part.ids.size()) < context + 1) {
    throw InputError("a part of " + std::to_string(part.ids.size()) + " tokens cannot give sequences of " +
                         std::to_string(context + 1),
                     {}, "give more text or lower model.context");
  }
}

void Sampler::fill(std::int64_t step, std::int64_t first, std::int64_t count, std::span<std::int64_t> inputs,
                   std::span<std::int64_t> targets) const {
  const auto wanted = static_cast<std::size_t>(count * context_);
  if (inputs.size() != wanted || targets.size() != wanted) {
    throw Error("a batch of " + std::to_string(count) + " x " + std::to_string(context_) +
                " does not fit its buffers");
  }
  const auto starts = static_cast<std::uint64_t>(part_.ids.size()) - static_cast<std::uint64_t>(context_);
  for (std::int64_t row = 0; row < count; ++row) {
    KeyedRandom random(seed_, stream_, static_cast<std::uint64_t>(step),
                       static_cast<std::uint64_t>(first + row));
    const auto begin = part_.ids.begin() + static_cast<std::ptrdiff_t>(random.below(starts));
    std::copy_n(begin, context_, inputs.begin() + row * context_);
    std::copy_n(begin + 1, context_, targets.begin() + row * context_);
  }
}

}  // namespace bitdarts::data
