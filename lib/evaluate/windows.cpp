#include "evaluate/windows.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace bitdarts::evaluate {

std::vector<Window> plan_windows(std::int64_t tokens, std::int64_t context, std::int64_t stride) {
  if (tokens < 2) throw Error("a text of " + std::to_string(tokens) + " tokens has none to predict");
  if (stride < 1 || stride > context) {
    throw Error("windows of " + std::to_string(context) + " tokens cannot start every " +
                std::to_string(stride) + " tokens");
  }
  std::vector<Window> windows;
  for (std::int64_t begin = 0, covered = 1; covered < tokens; begin += stride) {
    const std::int64_t length = std::min(context, tokens - 1 - begin);
    windows.push_back({begin, length, begin + length + 1 - covered});
    covered = begin + length + 1;
  }
  return windows;
}

std::string describe_protocol(std::int64_t context, std::int64_t stride, std::int64_t max_tokens) {
  std::string text = "test part";
  if (max_tokens > 0) text = "first " + std::to_string(max_tokens) + " tokens of the test part";
  text += ", windows of " + std::to_string(context) + " tokens, stride " + std::to_string(stride) +
          ", every token but the first scored once";
  return text;
}

}  // namespace bitdarts::evaluate
