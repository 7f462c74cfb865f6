// bitdarts-pretrain: see stages/work_main.cpp.
#include "train/pretrain.hpp"

extern "C" void bitdarts_pretrain(const bitdarts::stage::Context& context, bitdarts::stage::Run& run) {
  bitdarts::train::run_pretrain(context, run);
}
