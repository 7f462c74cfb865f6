// The main of every stage whose work is in stages/work/: a file there is compiled into the library that is
// loaded when there is something to do, and this one once for each of them, with the stage's name.
#include "stage/stage.hpp"

int main(int argc, char** argv) { return bitdarts::stage::torch_stage_main(argc, argv, BITDARTS_STAGE); }
