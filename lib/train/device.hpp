#pragma once
#include <string>

#include "stage/stage.hpp"

namespace bitdarts::train {

/// Call once at the start of a stage's work: LibTorch's thread count, denormals, and the device that
/// run.device names ("auto" -> cuda when there is one). ConfigError when cuda is asked for and absent. Warns
/// when the matrix product runs at a small fraction of what the machine can (reference BLAS).
std::string prepare_device(const config::RunOptions& run, const Console& console);
/// The same for a stage, which gets LibTorch's version into its provenance.
std::string prepare_device(const stage::Context& context, stage::Run& run);

}  // namespace bitdarts::train
