#include "model/device_functions.hpp"

#include "catch.hpp"

using namespace bitdarts;

TEST_CASE("the host has its kernels, and a device without a row of its own plain tensor operations") {
  const at::Tensor host = at::zeros({2, 2}), elsewhere = at::empty({2, 2}, at::Device(at::kMeta));
  CHECK(model::functions_of(host).rms_norm == &model::host::rms_norm);
  CHECK(model::functions_of(host).mix == &model::host::mix);
  CHECK(model::functions_of(elsewhere).rms_norm == &model::reference::rms_norm);
  CHECK(model::functions_of(elsewhere).mix != &model::host::mix);
  for (const auto* table :
       {&model::functions_of(host), &model::functions_of(elsewhere)}) {  // none is missing
    CHECK(table->rms_norm != nullptr);
    CHECK(table->rotary_attention != nullptr);
    CHECK(table->swiglu != nullptr);
    CHECK(table->linear_cross_entropy != nullptr);
    CHECK(table->mix != nullptr);
    CHECK(table->mixed_backward != nullptr);
  }
}
