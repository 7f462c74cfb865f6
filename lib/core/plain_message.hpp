#pragma once
#include <exception>
#include <string>

namespace bitdarts {

/// What any exception means to a user, with the remedy: the want of memory is said alike by whoever has found
/// it out (the standard library, LibTorch), and without the places in LibTorch's sources.
std::string plain_message(const std::exception& error);

}  // namespace bitdarts
