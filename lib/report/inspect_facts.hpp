#pragma once
#include <string>
#include <vector>

#include "report/inspect.hpp"
#include "store/product.hpp"

namespace bitdarts::report {

/// What the groups of a file say, section by section: tokens, model, search, finetune, reference, evaluation,
/// scheme, metrics, contents. A section that cannot be read says so instead.
std::vector<FactSection> content_facts(const store::File& file);

/// Who made it, from what, when and where, and the options that differ from their defaults.
FactSection provenance_facts(const store::Provenance& provenance);

}  // namespace bitdarts::report
