#pragma once
#include <cstdint>
#include <span>

#include "comm/communicator.hpp"
#include "evaluate/windows.hpp"
#include "model/torch.hpp"
#include "stage/stage.hpp"

namespace bitdarts::evaluate {

/// All windows, `batch` at a time, dealt to the ranks in turn: one batch a rank and round. What is in a batch
/// does not depend on the ranks, so that every matrix product has the same shape, and every score the same
/// bits, on any number of them.
class Share {
 public:
  Share(const comm::Communicator& world, std::span<const Window> windows, std::int64_t batch)
      : ranks_(world.size()), batch_(batch), windows_(windows) {}
  std::int64_t batches() const { return (static_cast<std::int64_t>(windows_.size()) + batch_ - 1) / batch_; }
  std::int64_t rounds() const { return (batches() + ranks_ - 1) / ranks_; }
  /// May be behind the last.
  std::int64_t batch_of(std::int64_t round, int rank) const { return round * ranks_ + rank; }
  std::size_t first(std::int64_t batch) const { return static_cast<std::size_t>(batch * batch_); }
  /// Of one batch; empty behind the last.
  std::span<const Window> windows(std::int64_t batch) const;

 private:
  std::int64_t ranks_, batch_;
  std::span<const Window> windows_;
};

/// [windows, context] ids from `offset` tokens after the start of each window. What is behind the end of a
/// short window is filled up with token 0: the model is causal, and the predictions there are not scored.
at::Tensor token_batch(std::span<const std::int32_t> tokens, std::span<const Window> windows,
                       std::int64_t context, std::int64_t offset);

/// Where the scored predictions of the i-th window of a batch lie among all [windows * context] of them.
inline at::Tensor scored_rows(const at::Tensor& all, const Window& window, std::size_t i,
                              std::int64_t context) {
  return all.narrow(0, static_cast<std::int64_t>(i) * context + window.length - window.scored, window.scored);
}

/// Between rounds: how far it is, and Interrupted on every rank when one of them was asked to stop.
class RoundWatch {
 public:
  RoundWatch(const stage::Context& context, std::int64_t rounds);
  /// `nll`: the sum over the `tokens` that this rank has scored so far. Collective.
  void update(std::int64_t done, double nll, std::int64_t tokens);
  void finish() { progress_.finish(); }

 private:
  const stage::Context& context_;
  const std::int64_t rounds_;
  Progress progress_;
};

}  // namespace bitdarts::evaluate
