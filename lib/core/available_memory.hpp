#pragma once
#include <filesystem>

namespace bitdarts {

/// Bytes that processes of this one's control group can still take on this machine, swap included: what the
/// system has (MemAvailable), and what the limits of the group and of those above it leave (containers,
/// batch systems; both versions of control groups). Infinity where the system does not say.
/// `root` stands for "/".
double available_memory(const std::filesystem::path& root = "/");

/// Bytes of address space that this process may have (ulimit -v); infinity when there is no limit.
double address_space_limit();

}  // namespace bitdarts
