#include "train/pretrain.hpp"
#include "stage/stage.hpp"

int main(int argc, char** argv) {
  return bitdarts::stage::stage_main(argc, argv, "pretrain", bitdarts::train::run_pretrain);
}
