// The tensor operations against autograd, the closed form, and the fused kernel.
#include "quant/tensor_reference.hpp"

#include "catch.hpp"
#include "inputs.hpp"

using namespace quant_test;

namespace {

template <class Real>
at::Tensor tensor_of(const std::vector<Real>& values) {
  const auto type = std::is_same_v<Real, float> ? at::kFloat : at::kDouble;
  return at::from_blob(const_cast<Real*>(values.data()), {static_cast<std::int64_t>(values.size())}, type)
      .clone();
}
template <class Real>
std::vector<Real> values_of(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.detach().contiguous();
  return {flat.data_ptr<Real>(), flat.data_ptr<Real>() + flat.numel()};
}
at::Tensor parameter(double value) {
  return at::full({}, value, at::TensorOptions().dtype(at::kDouble)).set_requires_grad(true);
}
double gradient_of(const at::Tensor& tensor) {
  return tensor.grad().defined() ? tensor.grad().item<double>() : 0.0;
}

template <class Real>
std::vector<BoundCandidate<double>> widened(const std::vector<BoundCandidate<Real>>& candidates) {
  std::vector<BoundCandidate<double>> wide;
  for (const auto& c : candidates)
    wide.push_back({c.method, static_cast<double>(c.smallest), static_cast<double>(c.largest),
                    static_cast<double>(c.step), static_cast<double>(c.offset), static_cast<double>(c.clip),
                    static_cast<double>(c.probability)});
  return wide;
}

}  // namespace

TEST_CASE("autograd through the straight-through quantizers gives the closed sums") {
  const auto set = all_candidates();
  const double offset_value = 0.3;
  const auto bound = bound_set<double>(set, offset_value);
  auto xs = normal_values<double>(700, 21);
  for (const auto& b : bound)  // the ends of pact's range exactly
    if (b.method == Method::pact) xs.insert(xs.end(), {b.clip, -b.clip});
  const auto gs = normal_values<double>(xs.size(), 22);
  const at::Tensor x = tensor_of(xs).set_requires_grad(true), g = tensor_of(gs);
  std::vector<at::Tensor> ranges, offsets;
  at::Tensor mixed = at::zeros_like(x);
  for (std::size_t j = 0; j < set.size(); ++j) {
    ranges.push_back(parameter(usual_range(set[j])));
    offsets.push_back(parameter(offset_value));
    mixed = mixed + bound[j].probability * quantize_with_ste(x, set[j], ranges[j], offsets[j]);
  }
  (mixed * g).sum().backward();

  std::vector<double> dx(xs.size()), again(xs.size());
  MixedSums sums;
  mixed_backward<double>(xs, gs, bound, dx, again, sums);
  const auto forward = values_of<double>(mixed), by_x = values_of<double>(x.grad());
  for (std::size_t i = 0; i < xs.size(); ++i) {
    REQUIRE(forward[i] == Approx(again[i]).margin(1e-12));
    REQUIRE(by_x[i] == Approx(dx[i]).margin(1e-12));
  }
  for (std::size_t j = 0; j < set.size(); ++j) {
    CAPTURE(to_string(set[j]));
    CHECK(gradient_of(ranges[j]) ==
          Approx(bound[j].probability * sums.candidates[j].gradient_range).epsilon(1e-9).margin(1e-9));
    CHECK(gradient_of(offsets[j]) ==
          Approx(bound[j].probability * sums.candidates[j].gradient_offset).epsilon(1e-9).margin(1e-9));
  }
}

TEST_CASE("autograd through the quantization error gives the closed error sums") {
  const auto xs = normal_values<double>(700, 23);
  const at::Tensor x = tensor_of(xs);
  for (const auto& candidate : all_candidates()) {
    CAPTURE(to_string(candidate));
    const auto bound = bind<double>(candidate, usual_range(candidate), 0.3, 1);
    const at::Tensor range = parameter(usual_range(candidate)), offset = parameter(0.3);
    const at::Tensor error = (quantize_with_ste(x, candidate, range, offset) - x).square().sum();
    if (error.requires_grad()) error.backward();
    MixedSums sums;
    mixed_errors<double>(xs, {&bound, 1}, sums);
    CHECK(error.item<double>() == Approx(sums.candidates[0].squared_error).epsilon(1e-9).margin(1e-15));
    CHECK(gradient_of(range) == Approx(2 * sums.candidates[0].error_range).epsilon(1e-9).margin(1e-9));
    CHECK(gradient_of(offset) == Approx(2 * sums.candidates[0].error_offset).epsilon(1e-9).margin(1e-9));
  }
}

TEMPLATE_TEST_CASE("a straight-through quantizer's values are the kernel's", "", float, double) {
  for (const auto& candidate : all_candidates()) {
    if (candidate.method == Method::uniform) continue;  // its bound step may differ in the last place
    CAPTURE(to_string(candidate));
    const double range = static_cast<double>(static_cast<float>(usual_range(candidate))), offset = 0.25;
    const auto bound = bind<TestType>(candidate, range, offset, 1);
    const auto xs = mixed_values<TestType>({bound}, 2000);
    std::vector<TestType> expected(xs.size());
    mixed_forward<TestType>(xs, {&bound, 1}, expected);
    const at::Tensor x = tensor_of(xs);
    const auto found = values_of<TestType>(
        quantize_with_ste(x, candidate, at::full({}, range, x.options()), at::full({}, offset, x.options())));
    for (std::size_t i = 0; i < xs.size(); ++i) REQUIRE(same(found[i], expected[i]));
  }
}

TEMPLATE_TEST_CASE("the tensor operations agree with the fused kernel", "", float, double) {
  const auto bound = bound_set<TestType>(parse_candidates(default_names), 0.3);
  const auto wide = widened(bound);
  for (const auto& [size, measure] : {std::pair<std::size_t, ErrorMeasure>{0, ErrorMeasure::relative},
                                      {1, ErrorMeasure::relative},
                                      {17, ErrorMeasure::fisher},
                                      {1025, ErrorMeasure::relative},
                                      {20000, ErrorMeasure::relative},
                                      {20000, ErrorMeasure::fisher}}) {
    CAPTURE(size);
    const auto xs = mixed_values(bound, size);
    auto gs = normal_values<TestType>(size, 24);
    for (auto& g : gs) g = std::tanh(g);  // of at most 1, which the bounds below count on
    std::vector<TestType> mixed(size), dx(size);
    MixedSums sums, tensor_sums;
    mixed_backward<TestType>(xs, gs, bound, dx, mixed, sums, measure);
    const auto [tensor_dx, tensor_mixed] =
        mixed_backward_tensor(tensor_of(xs), tensor_of(gs), wide, tensor_sums, measure);
    CHECK((values_of<TestType>(tensor_mixed) == mixed));  // the same operations in the same order
    CHECK((values_of<TestType>(tensor_dx) == dx));
    CHECK((values_of<TestType>(mixed_forward_tensor(tensor_of(xs), wide)) == mixed));
    CHECK(tensor_sums.count == sums.count);
    CHECK(tensor_sums.maximum == sums.maximum);
    const double epsilon = 1e3 * static_cast<double>(std::numeric_limits<TestType>::epsilon());
    CHECK(tensor_sums.square == Approx(sums.square).epsilon(epsilon).margin(1e-30));
    for (std::size_t j = 0; j < bound.size(); ++j) {
      const auto &found = tensor_sums.candidates[j], &expected = sums.candidates[j];
      CHECK(found.squared_error == Approx(expected.squared_error).epsilon(epsilon).margin(1e-30));
      const double norm = std::sqrt(sums.square * static_cast<double>(size));  // Cauchy and Schwarz
      CHECK(std::abs(found.gradient_quantized - expected.gradient_quantized) <= epsilon * (norm + 1));
      const double slopes = std::abs(static_cast<double>(bound[j].smallest)) * static_cast<double>(size);
      CHECK(std::abs(found.gradient_range - expected.gradient_range) <= epsilon * (slopes + 1));
      CHECK(std::abs(found.gradient_offset - expected.gradient_offset) <=
            epsilon * (static_cast<double>(size) + 1));
      CHECK(std::abs(found.error_range - expected.error_range) <=
            epsilon * (std::sqrt(expected.squared_error * static_cast<double>(size)) *
                           std::abs(static_cast<double>(bound[j].smallest)) +
                       1));
      CHECK(std::abs(found.error_offset - expected.error_offset) <=
            epsilon * (std::sqrt(expected.squared_error * static_cast<double>(size)) + 1));
    }
  }
}

TEST_CASE("tensors of any shape come back in their shape") {
  const auto wide = bound_set<double>(parse_candidates(default_names), 0);
  const at::Tensor x = at::zeros({2, 3, 5}, at::TensorOptions().dtype(at::kFloat));
  CHECK(mixed_forward_tensor(x, wide).sizes() == x.sizes());
  CHECK(mixed_forward_tensor(x, wide).scalar_type() == at::kFloat);
}

TEST_CASE("NaN and infinities go through the tensor operations as through the kernel") {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> xs{1, std::numeric_limits<float>::quiet_NaN(), infinity, -infinity, 3e38f, -0.2f};
  const std::vector<float> gs(xs.size(), 2);
  for (const auto& candidate : all_candidates()) {
    CAPTURE(to_string(candidate));
    const auto bound = bind<float>(candidate, usual_range(candidate), 0, 1);
    std::vector<float> mixed(xs.size()), dx(xs.size());
    MixedSums sums, tensor_sums;
    mixed_backward<float>(xs, gs, {&bound, 1}, dx, mixed, sums);
    const auto [tensor_dx, tensor_mixed] =
        mixed_backward_tensor(tensor_of(xs), tensor_of(gs), widened<float>({bound}), tensor_sums);
    const auto found = values_of<float>(tensor_mixed), found_dx = values_of<float>(tensor_dx);
    for (std::size_t i = 0; i < xs.size(); ++i) {
      REQUIRE(same(found[i], mixed[i]));
      REQUIRE(same(found_dx[i], dx[i]));
    }
    CHECK(tensor_sums.maximum == sums.maximum);
    CHECK(std::isnan(tensor_sums.square));
  }
}
