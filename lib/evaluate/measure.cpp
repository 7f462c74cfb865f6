#include "evaluate/measure.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "core/error.hpp"

namespace bitdarts::evaluate {
namespace {

static_assert(std::is_trivially_copyable_v<WindowScore>);  // travels between the ranks as bytes

void add(WindowScore& sum, const WindowScore& part) {
  sum.nll += part.nll;
  sum.reference_nll += part.reference_nll;
  sum.divergence += part.divergence;
  sum.agreed += part.agreed;
  sum.tokens += part.tokens;
}

// [batch, context] ids from `offset` tokens after the start of each window. What is behind the end of a short
// window is filled up with token 0: the model is causal, and the predictions there are not scored.
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

bool same_bits(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor x = a.to(at::kCPU).contiguous(), y = b.to(at::kCPU).contiguous();
  return x.nbytes() == y.nbytes() && std::memcmp(x.data_ptr(), y.data_ptr(), x.nbytes()) == 0;
}

// The batches of one rank.
class Share {
 public:
  Share(const comm::Communicator& world, std::span<const Window> windows, std::int64_t batch)
      : ranks_(world.size()), batch_(batch), windows_(windows) {}
  std::int64_t batches() const { return (static_cast<std::int64_t>(windows_.size()) + batch_ - 1) / batch_; }
  std::int64_t rounds() const { return (batches() + ranks_ - 1) / ranks_; }
  std::int64_t batch_of(std::int64_t round, int rank) const {
    return round * ranks_ + rank;
  }  // may be behind the last
  std::size_t first(std::int64_t batch) const { return static_cast<std::size_t>(batch * batch_); }
  std::span<const Window> windows(std::int64_t batch) const {
    if (batch >= batches()) return {};
    return windows_.subspan(first(batch),
                            std::min(static_cast<std::size_t>(batch_), windows_.size() - first(batch)));
  }

 private:
  std::int64_t ranks_, batch_;
  std::span<const Window> windows_;
};

std::vector<WindowScore> in_window_order(const comm::Communicator& world, const Share& share,
                                         std::size_t count, std::span<const WindowScore> mine) {
  std::vector<WindowScore> all(count);
  const auto parts = world.all_gather(std::as_bytes(mine));
  for (int rank = 0; rank < world.size(); ++rank) {
    const auto& bytes = parts[static_cast<std::size_t>(rank)];
    std::size_t at = 0;
    for (std::int64_t round = 0; round < share.rounds(); ++round) {
      const std::int64_t batch = share.batch_of(round, rank);
      const std::size_t size = share.windows(batch).size() * sizeof(WindowScore);
      if (size == 0) continue;
      if (at + size > bytes.size())
        throw Error("rank " + std::to_string(rank) + " sent fewer scores than it has windows");
      std::memcpy(&all[share.first(batch)], bytes.data() + at, size);
      at += size;
    }
  }
  return all;
}

class Measuring {
 public:
  Measuring(std::span<const std::int32_t> tokens, std::int64_t context, const Models& models)
      : tokens_(tokens), context_(context), models_(models) {}

  void run(std::span<const Window> windows, bool compare, std::vector<WindowScore>& scores,
           Measurement& result) const {
    const at::Tensor inputs = token_batch(tokens_, windows, context_, 0);
    const at::Tensor targets = token_batch(tokens_, windows, context_, 1).view({-1});
    const at::Tensor quantized = models_.packed.logits(inputs), reference = models_.reference.logits(inputs);
    if (compare) {
      const at::Tensor expected = models_.fake_quantized.logits(inputs);
      result.logits_equal = result.logits_equal && same_bits(quantized, expected);
      result.max_difference =
          std::max(result.max_difference, (quantized - expected).abs().max().item<double>());
      result.windows_compared += static_cast<std::int64_t>(windows.size());
    }
    for (std::size_t i = 0; i < windows.size(); ++i) {
      const Window& window = windows[i];
      const std::int64_t first = static_cast<std::int64_t>(i) * context_ + window.length - window.scored;
      const auto rows = [&](const at::Tensor& all) { return all.narrow(0, first, window.scored); };
      scores.push_back(score(rows(quantized), rows(reference), rows(targets)));
      require_finite(scores.back(), window);
    }
  }

 private:
  static void require_finite(const WindowScore& s, const Window& window) {
    if (std::isfinite(s.nll) && std::isfinite(s.reference_nll) && std::isfinite(s.divergence)) return;
    throw Error("the " + std::string(std::isfinite(s.reference_nll) ? "quantized" : "full-precision") +
                    " model's loss is not a finite number",
                "test part, tokens " + std::to_string(window.first_scored()) + " to " +
                    std::to_string(window.end() - 1),
                "finetune (or pretrain) again with a lower learning rate");
  }

  std::span<const std::int32_t> tokens_;
  std::int64_t context_;
  const Models& models_;
};

}  // namespace

WindowScore score(const at::Tensor& quantized, const at::Tensor& reference, const at::Tensor& targets) {
  constexpr std::int64_t rows_at_a_time = 256;  // bounds the memory of the double-precision copies
  at::NoGradGuard no_grad;
  WindowScore sum{.tokens = targets.size(0)};
  for (std::int64_t first = 0; first < targets.size(0); first += rows_at_a_time) {
    const std::int64_t count = std::min(rows_at_a_time, targets.size(0) - first);
    const at::Tensor q = quantized.narrow(0, first, count), r = reference.narrow(0, first, count);
    const at::Tensor next = targets.narrow(0, first, count).to(q.device()).unsqueeze(1);
    const at::Tensor log_q = at::log_softmax(q.to(at::kDouble), -1),
                     log_r = at::log_softmax(r.to(at::kDouble), -1);
    const at::Tensor same = (q.argmax(-1) == r.argmax(-1)).to(at::kDouble);
    const at::Tensor rows = at::stack({-log_q.gather(1, next).squeeze(1), -log_r.gather(1, next).squeeze(1),
                                       (log_r.exp() * (log_r - log_q)).sum(-1), same})
                                .cpu()
                                .contiguous();
    const auto* values = rows.data_ptr<double>();
    for (std::int64_t t = 0; t < count; ++t) {
      sum.nll += values[t];
      sum.reference_nll += values[count + t];
      sum.divergence += values[2 * count + t];
      sum.agreed += values[3 * count + t] != 0;
    }
  }
  return sum;
}

Measurement measure(const comm::Communicator& world, std::span<const std::int32_t> tokens,
                    std::span<const Window> windows, std::int64_t context, std::int64_t batch,
                    const Models& models,
                    const std::function<void(std::int64_t, std::int64_t, const WindowScore&)>& between) {
  const Share share(world, windows, batch);
  const Measuring measuring(tokens, context, models);
  Measurement result;
  std::vector<WindowScore> mine;
  WindowScore so_far;
  for (std::int64_t round = 0; round < share.rounds(); ++round) {
    const std::int64_t own = share.batch_of(round, world.rank());
    const auto part = share.windows(own);
    if (!part.empty()) measuring.run(part, own < compared_batches, mine, result);
    for (std::size_t i = mine.size() - part.size(); i < mine.size(); ++i) add(so_far, mine[i]);
    if (between) between(round + 1, share.rounds(), so_far);
  }
  result.windows = in_window_order(world, share, windows.size(), mine);
  result.logits_equal = world.max(result.logits_equal ? 0 : 1) == 0;
  result.windows_compared = world.sum(result.windows_compared);
  world.max_in_place({&result.max_difference, 1});
  return result;
}

WindowScore total(std::span<const WindowScore> windows) {
  WindowScore sum;
  for (const auto& window : windows) add(sum, window);
  return sum;
}

}  // namespace bitdarts::evaluate
