#pragma once
#include "search/strategy.hpp"

namespace bitdarts::search {

/// The search by gradient descent (Bilevel): α, quantizers, λ and, unless they are frozen, the weights. Each
/// budget's scheme is assigned by what the candidates were worth where the search stood when that budget's
/// time ended (Schedule). Warns when the expected cost was then more than 2 % off a budget.
Findings find_by_gradient(const Workbench& bench);

}  // namespace bitdarts::search
