// bitdarts-search: see stages/work_main.cpp.
#include "search/run_search.hpp"

extern "C" void bitdarts_search(const bitdarts::stage::Context& context, bitdarts::stage::Run& run) {
  bitdarts::search::run_search(context, run);
}
