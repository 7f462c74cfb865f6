// bitdarts-reference: its work is in stages/work.cpp.
#include "stage/stage.hpp"

using namespace bitdarts;

int main(int argc, char** argv) {
  return stage::torch_stage_main(argc, argv, "reference", [](const stage::Context& context) {
    return stage::describe_reference(context.in);
  });
}
