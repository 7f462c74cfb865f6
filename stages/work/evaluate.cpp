// bitdarts-evaluate: see stages/work_main.cpp.
#include "evaluate/evaluate.hpp"

extern "C" void bitdarts_evaluate(const bitdarts::stage::Context& context, bitdarts::stage::Run& run) {
  bitdarts::evaluate::run_evaluate(context, run);
}
