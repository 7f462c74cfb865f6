#include "search/run_search.hpp"
#include "stage/stage.hpp"

int main(int argc, char** argv) {
  return bitdarts::stage::stage_main(argc, argv, "search", bitdarts::search::run_search);
}
