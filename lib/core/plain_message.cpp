#include "core/plain_message.hpp"

#include <algorithm>
#include <new>
#include <stdexcept>

namespace bitdarts {
namespace {

std::string not_enough(const std::string& memory, const std::string& asked) {
  return "there is not enough " + memory + (asked.empty() ? "" : ": " + asked + " more were asked for") +
         "\n  try:   smaller sizes or batches, fewer ranks on a machine, or a larger machine";
}

// What follows `words`, up to the end of a number and its unit.
std::string amount_after(const std::string& text, const std::string& words) {
  const auto at = text.find(words);
  if (at == std::string::npos) return {};
  const auto begin = at + words.size(), unit = text.find(' ', begin);
  if (unit == std::string::npos) return {};
  return text.substr(
      begin,
      text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", unit + 1) - begin);
}

}  // namespace

std::string plain_message(const std::exception& error) {
  const std::string text = error.what();
  if (dynamic_cast<const std::bad_alloc*>(&error) || dynamic_cast<const std::length_error*>(&error))
    return not_enough("memory", "");
  if (text.find("DefaultCPUAllocator: ") != std::string::npos)
    return not_enough("memory", amount_after(text, "you tried to allocate "));
  if (text.find("Storage size calculation overflowed") != std::string::npos) return not_enough("memory", "");
  if (text.find("CUDA out of memory") != std::string::npos)
    return not_enough("memory on the GPU", amount_after(text, "Tried to allocate "));
  // LibTorch adds where in its own sources it was.
  return text.substr(0, std::min(text.find("\nException raised from "), text.find("\nframe #0: ")));
}

}  // namespace bitdarts
