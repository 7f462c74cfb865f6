#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "evaluate/network.hpp"
#include "evaluate/windows.hpp"
#include "stage/stage.hpp"

namespace bitdarts::evaluate {

/// The full-precision model of pretrained.h5, whatever is quantized later.
struct Pretrained {
  model::ModelShape shape;
  model::ParameterLayout layout;
  EffectiveWeights weights;
};
Pretrained load_pretrained(const std::filesystem::path& path);

/// The reference stage: tokens.h5 + pretrained.h5 -> reference.h5. What the evaluations of one pretrained
/// model have in common, made once: the full-precision model's predictions of the test part. They are kept as
/// hidden states, for logits take vocab / dim times the room; the output head makes the one from the other,
/// and evaluate does that in the same matrix products as without this file. Each rank holds the states of
/// one batch, rank 0 those of one batch a rank. Interrupted, it starts over.
///
/// Product: /reference/hidden [tokens - 1, dim] float32: row i, what the final norm gives where token i + 1
/// is predicted (every token but the first is scored once, in order); /reference/window_nll [windows] (nats);
/// attributes of /reference: protocol, device, tokens, windows, bytes, nll, perplexity, bits_per_byte, as in
/// /evaluation.
void run_reference(const stage::Context& context, stage::Run& run);

/// The hidden states of a reference.h5. Reads what is asked for, when it is asked for.
class StoredStates {
 public:
  /// InputError when it does not hold states of `dim` numbers for `tokens` tokens.
  StoredStates(store::File file, std::int64_t tokens, std::int64_t dim);
  /// [windows * context, dim], as Network::hidden gives them for the same consecutive windows; 0 where
  /// nothing is scored.
  at::Tensor read(std::span<const Window> windows, std::int64_t context) const;

 private:
  store::File file_;
  std::int64_t dim_;
};

/// The states for this evaluation on this device, if they are at hand; else, after a warning where another
/// reference.h5 lies in the input directory, none.
std::optional<StoredStates> states_at_hand(const stage::Context& context, const stage::Run& run,
                                           std::int64_t tokens, std::int64_t dim, const std::string& device);

}  // namespace bitdarts::evaluate
