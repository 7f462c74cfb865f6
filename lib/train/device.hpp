#pragma once
#include <string>

#include "core/console.hpp"
#include "stage/descriptions.hpp"

namespace bitdarts::train {

/// Call once at the start of a stage's work: LibTorch's thread count, denormals, and the device that
/// run.device names ("auto" -> cuda when there is one). ConfigError when cuda is asked for and absent. Warns
/// when the matrix product runs at a small fraction of what the machine can (reference BLAS).
std::string prepare_device(const config::RunOptions& run, const Console& console);
/// The description of a stage that computes with LibTorch, whose version goes into the provenance.
stage::Description with_torch(stage::Description description);

}  // namespace bitdarts::train
