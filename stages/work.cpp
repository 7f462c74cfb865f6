// What the stages do that work with LibTorch: the shared library that stage::torch_stage_main loads.
#include "evaluate/evaluate.hpp"
#include "evaluate/reference.hpp"
#include "search/run_search.hpp"
#include "train/finetune.hpp"
#include "train/pretrain.hpp"

using namespace bitdarts;

extern "C" {
void bitdarts_pretrain(const stage::Context& context, stage::Run& run) { train::run_pretrain(context, run); }
void bitdarts_search(const stage::Context& context, stage::Run& run) { search::run_search(context, run); }
void bitdarts_finetune(const stage::Context& context, stage::Run& run) { train::run_finetune(context, run); }
void bitdarts_reference(const stage::Context& context, stage::Run& run) {
  evaluate::run_reference(context, run);
}
void bitdarts_evaluate(const stage::Context& context, stage::Run& run) {
  evaluate::run_evaluate(context, run);
}
}
