#pragma once
#include "stage/stage.hpp"

namespace bitdarts::search {

/// The search stage: tokens.h5 + pretrained.h5 -> searched.h5.
/// Product: /model (weights as the inner level left them), /quant/<layer>/{weight,input}, /scheme,
/// /optimizer/{weights,alpha,quantizers}, /metrics/{search,inner,alpha_log} and the matrices probability/,
/// entropy/, bits/ by layer; attributes of /search: steps, cost, budget, capacity and full_cost (integers),
/// target, expected_cost, scheme_cost (ratios), and the discretisation gap full_precision_loss, mixed_loss,
/// discrete_loss [nats per token, validation batches of the search part].
void run_search(const stage::Context& context, stage::Run& run);

}  // namespace bitdarts::search
