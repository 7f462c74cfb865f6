#include "train/leaf_hook.hpp"

#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <utility>

namespace bitdarts::train {
namespace {

// A hook on the leaf itself would come before the gradient is added; one behind its accumulation comes after.
struct AfterAccumulation : torch::autograd::FunctionPostHook {
  explicit AfterAccumulation(std::function<void()> r) : ready(std::move(r)) {}
  torch::autograd::variable_list operator()(const torch::autograd::variable_list& outputs,
                                            const torch::autograd::variable_list&) override {
    ready();
    return outputs;
  }
  std::function<void()> ready;
};

}  // namespace

LeafHook::LeafHook(const at::Tensor& leaf, std::function<void()> ready)
    : accumulator_(torch::autograd::impl::grad_accumulator(leaf)) {
  accumulator_->add_post_hook(std::make_unique<AfterAccumulation>(std::move(ready)));
}

}  // namespace bitdarts::train
