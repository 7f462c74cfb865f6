// bitdarts-finetune: see stages/work_main.cpp.
#include "train/finetune.hpp"

extern "C" void bitdarts_finetune(const bitdarts::stage::Context& context, bitdarts::stage::Run& run) {
  bitdarts::train::run_finetune(context, run);
}
