#pragma once
#include "stage/stage.hpp"

namespace bitdarts::train {

/// The pretrain stage: tokens.h5 -> pretrained.h5 (AdamW, warm-up and cosine, clipping, validation on the
/// search part). Product: /model, /optimizer/weights, /metrics/{train,validation}.
void run_pretrain(const stage::Context& context, stage::Run& run);

}  // namespace bitdarts::train
