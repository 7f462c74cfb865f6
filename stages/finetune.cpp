#include "train/finetune.hpp"
#include "stage/stage.hpp"

int main(int argc, char** argv) {
  return bitdarts::stage::stage_main(argc, argv, "finetune", bitdarts::train::run_finetune);
}
