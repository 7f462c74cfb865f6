// bitdarts-reference: see stages/work_main.cpp.
#include "evaluate/reference.hpp"

extern "C" void bitdarts_reference(const bitdarts::stage::Context& context, bitdarts::stage::Run& run) {
  bitdarts::evaluate::run_reference(context, run);
}
