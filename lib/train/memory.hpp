#pragma once
#include <string>

#include "model/architecture.hpp"
#include "stage/stage.hpp"

namespace bitdarts::train {

/// What a rank of a stage holds at the same time, at least.
struct MemoryUse {
  double copies = 1;     ///< of all parameters, 4 bytes each: weights, gradients, moments
  double sequences = 0;  ///< whose intermediate values wait for the backward pass, or are computed at once
  bool backward = true;  ///< intermediate values of all blocks, or of one at a time
};

/// Weights, those that the network sees, a shard's gradient, their sum, and two moments; the sequences of one
/// shard.
MemoryUse training_memory(std::int64_t batch, std::int64_t shards);

/// Bytes of it for this shape, from below: more is certain, less would not do.
double least_memory(const model::ModelShape& shape, const MemoryUse& use);

/// ConfigError, before anything of the size is asked for, when the machine has no room for what its ranks
/// need at least (on a GPU: for the weights alone). Collective.
void require_memory(const stage::Context& context, const model::ModelShape& shape, const MemoryUse& use);

}  // namespace bitdarts::train
