#pragma once
#include "stage/stage.hpp"

namespace bitdarts::search {

/// The search stage: tokens.h5 + pretrained.h5 -> searched.h5, the same product whatever the strategy.
/// /model (weights as the inner level left them; as pretrained where none trained), /quant/<layer>/
/// {weight,input}, /scheme (of the first budget), /schemes/<i> for each budget (attributes budget, capacity,
/// scheme_cost, discrete_loss, and expected_cost of a mixture; estimated_loss/{weight,input} [layers,
/// candidates], nats per token, what the scheme was assigned by). Of darts also /optimizer/{weights,alpha,
/// quantizers}, /metrics/{search,inner,alpha_log} and the matrices probability/, entropy/, bits/ by layer.
/// Attributes of /search: strategy, steps, cost, budget and budgets, capacity and full_cost (integers),
/// target, scheme_cost, expected_cost (ratios; of the first budget), and the discretisation gap
/// full_precision_loss, mixed_loss (of a mixture), discrete_loss [nats per token, validation batches of the
/// search part].
void run_search(const stage::Context& context, stage::Run& run);

}  // namespace bitdarts::search
