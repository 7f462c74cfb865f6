#pragma once
#include "stage/stage.hpp"

namespace bitdarts::train {

/// The finetune stage: quantization-aware training with a fixed scheme (METHOD section 7); weights and
/// quantizer parameters together on L_CE. tokens.h5 + pretrained.h5 [+ searched.h5] -> finetuned.h5. Product:
/// /model, /quant/<layer>/{weight,input} with one candidate each, /scheme, /optimizer/{weights,quantizers},
/// /metrics/{train,validation}; attributes of /finetune: scheme (where it came from), strategy
/// (search.strategy of the search that found it, or "hand"), budget (of that search), from, steps, start_loss
/// and final_loss (validation). finetune.scheme = best: see train/best_scheme.hpp.
void run_finetune(const stage::Context& context, stage::Run& run);

}  // namespace bitdarts::train
