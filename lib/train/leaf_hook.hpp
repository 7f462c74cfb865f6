#pragma once
#include <functional>
#include <memory>

#include "model/torch.hpp"

namespace bitdarts::train {

/// Calls `ready` in every backward that reaches `leaf`, once, when its gradient is complete there: on the
/// host in the thread that called backward.
class LeafHook {
 public:
  LeafHook(const at::Tensor& leaf, std::function<void()> ready);

 private:
  std::shared_ptr<torch::autograd::Node> accumulator_;  // the leaf itself holds it weakly
};

}  // namespace bitdarts::train
