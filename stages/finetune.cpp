// bitdarts-finetune: its work is in stages/work.cpp.
#include "stage/stage.hpp"

using namespace bitdarts;

int main(int argc, char** argv) {
  return stage::torch_stage_main(argc, argv, "finetune", [](const stage::Context& context) {
    const std::string scheme = stage::scheme_text(context.config.finetune);
    return stage::describe_finetune(context.config, context.in, scheme);
  });
}
