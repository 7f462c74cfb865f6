#include "evaluate/rounds.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"

namespace bitdarts::evaluate {

std::span<const Window> Share::windows(std::int64_t batch) const {
  if (batch >= batches()) return {};
  return windows_.subspan(first(batch),
                          std::min(static_cast<std::size_t>(batch_), windows_.size() - first(batch)));
}

at::Tensor token_batch(std::span<const std::int32_t> tokens, std::span<const Window> windows,
                       std::int64_t context, std::int64_t offset) {
  at::Tensor batch = at::zeros({static_cast<std::int64_t>(windows.size()), context}, at::kLong);
  auto* row = batch.data_ptr<std::int64_t>();
  for (const Window& window : windows) {
    const auto part = tokens.subspan(static_cast<std::size_t>(window.begin + offset),
                                     static_cast<std::size_t>(window.length));
    std::copy(part.begin(), part.end(), row);
    row += context;
  }
  return batch;
}

RoundWatch::RoundWatch(const stage::Context& context, std::int64_t rounds)
    : context_(context), rounds_(rounds), progress_(context.console, context.console.stage(), rounds) {}

void RoundWatch::update(std::int64_t done, double nll, std::int64_t tokens) {
  const double mean = tokens > 0 ? nll / static_cast<double>(tokens) : 0.0;
  progress_.update(done, {{"perplexity", std::exp(mean)}},
                   static_cast<double>(tokens * context_.world.size()), "tokens");
  if (done < rounds_ && context_.interrupts.raised_anywhere(context_.world)) {
    throw Interrupted(
        "interrupted after " + std::to_string(done) + " of " + std::to_string(rounds_) + " rounds",
        context_.out.string(),
        "run the same command again; it starts over, for it is short and saves nothing half done");
  }
}

}  // namespace bitdarts::evaluate
