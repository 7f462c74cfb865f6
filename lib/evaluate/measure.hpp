#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "comm/communicator.hpp"
#include "evaluate/network.hpp"
#include "evaluate/reference.hpp"
#include "evaluate/windows.hpp"

namespace bitdarts::evaluate {

/// Sums over the tokens that one window scores, in token order.
struct WindowScore {
  double nll = 0;            ///< negative log-likelihood of the quantized model [nats]
  double reference_nll = 0;  ///< of the full-precision model
  double divergence = 0;     ///< Σ KL(full precision || quantized) [nats]
  std::int64_t agreed = 0;   ///< tokens where both models find the same token most likely
  std::int64_t tokens = 0;
};

/// Scores of `rows` predictions: logits [rows, vocab] of both models, targets [rows]. Logarithms and sums in
/// double, so that the result's error is that of the logits.
WindowScore score(const at::Tensor& quantized, const at::Tensor& reference, const at::Tensor& targets);

/// -Σ log p(target), as in score(): the very same bits.
double negative_log_likelihood(const at::Tensor& logits, const at::Tensor& targets);

/// Error, naming the model and the window, when its loss is not finite.
void require_finite(double loss, const std::string& model, const Window& window);

/// The models of one evaluation. What is measured is the packed one; `fake_quantized` is the one that was
/// trained. The hidden states of `reference` are taken from `states` where there are any.
struct Models {
  Network& packed;
  Network& fake_quantized;
  Network& reference;
  const StoredStates* states = nullptr;
};

struct Measurement {
  std::vector<WindowScore> windows;  ///< in the order of the plan, on every rank
  bool logits_equal = true;          ///< packed and fake-quantized logits, bit for bit
  double max_difference = 0;
  std::int64_t windows_compared = 0;
};

/// How many batches, from the first on, compare the logits of the packed model with those of the
/// fake-quantized one.
inline constexpr std::int64_t compared_batches = 4;

/// Forward passes over all windows, `batch` at a time, dealt to the ranks as in Share. `between`: called on
/// every rank between batches with the rounds done, all rounds, and this rank's scores so far. Collective.
Measurement measure(const comm::Communicator& world, std::span<const std::int32_t> tokens,
                    std::span<const Window> windows, std::int64_t context, std::int64_t batch,
                    const Models& models,
                    const std::function<void(std::int64_t, std::int64_t, const WindowScore&)>& between = {});

/// The sum over all windows, in order.
WindowScore total(std::span<const WindowScore> windows);

}  // namespace bitdarts::evaluate
