#pragma once
#include "stage/stage.hpp"

namespace bitdarts::train {

inline constexpr std::int64_t pretrained_schema = 1;

/// The pretrain stage: tokens.h5 -> pretrained.h5 (AdamW, warm-up and cosine, clipping, validation on the
/// search part). Product: /model, /optimizer/weights, /metrics/{train,validation}.
void run_pretrain(const stage::Context& context);

}  // namespace bitdarts::train
