#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace bitdarts::evaluate {

/// One forward pass over consecutive tokens: the model reads tokens begin .. begin + length - 1 and predicts
/// the token after each. Only the last `scored` predictions count; those before them were scored by an
/// earlier window and serve as context here.
struct Window {
  std::int64_t begin = 0, length = 0, scored = 0;
  std::int64_t first_scored() const {
    return begin + 1 + length - scored;
  }                                                        ///< position of the first token scored
  std::int64_t end() const { return begin + length + 1; }  ///< one past the last token scored
};

/// Windows of `context` tokens that start every `stride` tokens, the last one cut short where the text ends,
/// such that every token but the first is scored exactly once. The first window scores all it predicts, each
/// later one what is new: `stride` tokens (the last: the rest). Stops with the window that reaches the end,
/// so no window scores nothing. Error unless tokens >= 2 and 1 <= stride <= context (a longer stride would
/// leave tokens out).
std::vector<Window> plan_windows(std::int64_t tokens, std::int64_t context, std::int64_t stride);

/// The protocol in words, for the result file. `max_tokens` 0: the whole test part was read.
std::string describe_protocol(std::int64_t context, std::int64_t stride, std::int64_t max_tokens);

}  // namespace bitdarts::evaluate
