#pragma once
#include <optional>

#include "quant/bank.hpp"
#include "quant/cost.hpp"
#include "search/bilevel.hpp"

namespace bitdarts::search {

/// METHOD section 6. Without a budget the most probable candidates; with one the assignment that maximises
/// Σ log p_i^w + log p_j^a at a cost of at most the capacity (layers that share a choice are decided
/// together).
quant::Scheme discretise(const quant::Bank& bank, const Budget& budget);

/// Spends what `scheme` leaves of the budget: among schemes that keep or widen every candidate, the one whose
/// estimated loss is least and whose cost is within the capacity. The estimate is first order at the discrete
/// network, <dL/dx~, Q_k(x) - Q_chosen(x)>, from `batches` batches of the search part: a measure that does
/// not saturate as α does (METHOD section 9).
template <class Real>
quant::Scheme spend_rest(const quant::Scheme& scheme, const quant::Bank& bank, const Budget& budget,
                         train::Engine<Real>& engine, std::span<const Real> weights,
                         const data::Sampler& sampler, std::int64_t sequences, std::int64_t batches);

}  // namespace bitdarts::search
