#include "evaluate/measure.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "core/error.hpp"
#include "evaluate/rounds.hpp"

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

// Some rows at a time, which bounds the memory of the double-precision copies.
template <class Work>
void in_parts(std::int64_t rows, Work&& work) {
  constexpr std::int64_t rows_at_a_time = 256;
  const at::NoGradGuard no_grad;
  for (std::int64_t first = 0; first < rows; first += rows_at_a_time)
    work(first, std::min(rows_at_a_time, rows - first));
}

at::Tensor log_probabilities(const at::Tensor& logits) { return at::log_softmax(logits.to(at::kDouble), -1); }

// -log p of the target of every row.
at::Tensor surprise(const at::Tensor& log_p, const at::Tensor& targets) {
  return -log_p.gather(1, targets.to(log_p.device()).unsqueeze(1)).squeeze(1);
}

bool same_bits(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor x = a.to(at::kCPU).contiguous(), y = b.to(at::kCPU).contiguous();
  return x.nbytes() == y.nbytes() && std::memcmp(x.data_ptr(), y.data_ptr(), x.nbytes()) == 0;
}

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
    const at::Tensor quantized = models_.packed.logits(inputs);
    // The same product either way, so that a file of states changes no bit.
    const at::Tensor reference = models_.reference.logits_of(
        models_.states ? models_.states->read(windows, context_) : models_.reference.hidden(inputs));
    if (compare) {
      const at::Tensor expected = models_.fake_quantized.logits(inputs);
      result.logits_equal = result.logits_equal && same_bits(quantized, expected);
      result.max_difference =
          std::max(result.max_difference, (quantized - expected).abs().max().item<double>());
      result.windows_compared += static_cast<std::int64_t>(windows.size());
    }
    for (std::size_t i = 0; i < windows.size(); ++i) {
      const auto rows = [&](const at::Tensor& all) { return scored_rows(all, windows[i], i, context_); };
      const WindowScore found = score(rows(quantized), rows(reference), rows(targets));
      require_finite(found.reference_nll, "full-precision", windows[i]);
      require_finite(found.nll + found.divergence, "quantized", windows[i]);
      scores.push_back(found);
    }
  }

 private:
  std::span<const std::int32_t> tokens_;
  std::int64_t context_;
  const Models& models_;
};

}  // namespace

WindowScore score(const at::Tensor& quantized, const at::Tensor& reference, const at::Tensor& targets) {
  WindowScore sum{.tokens = targets.size(0)};
  in_parts(targets.size(0), [&](std::int64_t first, std::int64_t count) {
    const at::Tensor q = quantized.narrow(0, first, count), r = reference.narrow(0, first, count);
    const at::Tensor next = targets.narrow(0, first, count);
    const at::Tensor log_q = log_probabilities(q), log_r = log_probabilities(r);
    const at::Tensor same = (q.argmax(-1) == r.argmax(-1)).to(at::kDouble);
    const at::Tensor rows = at::stack({surprise(log_q, next), surprise(log_r, next),
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
  });
  return sum;
}

double negative_log_likelihood(const at::Tensor& logits, const at::Tensor& targets) {
  double sum = 0;
  in_parts(targets.size(0), [&](std::int64_t first, std::int64_t count) {
    const at::Tensor rows =
        surprise(log_probabilities(logits.narrow(0, first, count)), targets.narrow(0, first, count))
            .cpu()
            .contiguous();
    for (std::int64_t t = 0; t < count; ++t) sum += rows.data_ptr<double>()[t];
  });
  return sum;
}

void require_finite(double loss, const std::string& model, const Window& window) {
  if (std::isfinite(loss)) return;
  throw Error("the " + model + " model's loss is not a finite number",
              "test part, tokens " + std::to_string(window.first_scored()) + " to " +
                  std::to_string(window.end() - 1),
              "finetune (or pretrain) again with a lower learning rate");
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
