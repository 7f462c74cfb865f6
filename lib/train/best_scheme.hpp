#pragma once
#include "stage/stage.hpp"

namespace bitdarts::train {

/// The finetune stage with finetune.scheme = best: of the finetuned schemes of config::baselines_of() that
/// cost no more than the first of search.budget, the one with the lowest validation loss after finetuning, on
/// the search part: the test part chooses nothing. Of equal ones the cheaper, then the earlier. Its product
/// is published again, the same but for two attributes of /finetune: scheme = "best", chosen = its word. Says
/// which it is, and the losses of all. InputError when none is within the budget.
void publish_best(const stage::Context& context, stage::Run& run);

}  // namespace bitdarts::train
