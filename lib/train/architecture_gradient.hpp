#pragma once
#include "train/engine.hpp"

namespace bitdarts::train {

/// L_err, the gradients of α and θ, and every candidate's values, from the sums in `result` (METHOD sections
/// 3 and 4). `tokens`: of the whole batch. L_err with ErrorMeasure::relative is the mean over layers and over
/// {weight, input} (an input that layers share counts once for each); with fisher the sum over all sites, in
/// nats per token (a shared input counts once: its G holds all who read it).
template <class Real>
void add_architecture_gradient(const quant::Bank& bank, const Objective& objective, double tokens,
                               Gradient<Real>& result);

}  // namespace bitdarts::train
