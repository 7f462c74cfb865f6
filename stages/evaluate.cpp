#include "evaluate/evaluate.hpp"
#include "stage/stage.hpp"

int main(int argc, char** argv) {
  return bitdarts::stage::stage_main(argc, argv, "evaluate", bitdarts::evaluate::run_evaluate);
}
