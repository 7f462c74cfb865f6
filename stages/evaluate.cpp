// bitdarts-evaluate: its work is in stages/work.cpp.
#include "stage/stage.hpp"

using namespace bitdarts;

int main(int argc, char** argv) {
  return stage::torch_stage_main(argc, argv, "evaluate", [](const stage::Context& context) {
    return stage::describe_evaluate(context.in, context.out);
  });
}
