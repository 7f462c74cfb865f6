// The gradients of α and θ that a bank makes from sums: against finite differences and against autograd.
#include "catch.hpp"
#include "inputs.hpp"
#include "quant/bank.hpp"
#include "quant/tensor_reference.hpp"

using namespace quant_test;

namespace {

const std::vector<LayerShape> layers{{"model.layers.0.self_attn.q_proj", 3, 40, "attention"},
                                     {"model.layers.0.self_attn.k_proj", 2, 40, "attention"}};
constexpr double temperature = 0.7, error_weight = 0.8, clip_decay = 0.03, tokens = 24;

// A bank whose ranges clip, with offsets and unequal probabilities.
Bank uneven_bank(const BankOptions& options) {
  auto bank = make_search_bank(
      layers, parse_candidates({"lsq+:2", "lsq+:4", "pact:3", "pact:8", "uniform:4", "fp32"}),
      parse_candidates({"lsq+:3", "pact:4", "uniform:3", "fp32"}), options);
  const auto wobble = normal_values<double>(bank.theta.size(), 9);
  for (const auto& site : bank.sites)
    for (std::size_t j = 0; j < site.candidates.size(); ++j) {
      for (std::int64_t c = 0; c < site.channels; ++c) {
        const std::size_t at = site.range_at(j, c);
        bank.theta[at] = usual_range(site.candidates[j]) * (1 + 0.2 * std::tanh(wobble[at]));
      }
      if (site.role == Role::input && site.candidates[j].method == Method::lsq_plus)
        bank.theta[site.offset + j] = 0.15;
    }
  bank.alpha = normal_values<double>(bank.alpha.size(), 4);
  update_probabilities(bank, temperature);
  return bank;
}

// Values and the gradient G that arrives for one site.
struct Tensor {
  std::vector<double> x, g;
  explicit Tensor(std::size_t size, std::uint64_t seed)
      : x(normal_values<double>(size, seed)), g(normal_values<double>(size, seed + 100)) {}
};

Tensor tensor_of(const Bank& bank, std::size_t site) {
  const auto& s = bank.sites[site];
  return Tensor(
      s.role == Role::weight ? static_cast<std::size_t>(bank.layers[s.layers[0]].parameters()) : 400u,
      30 + site);
}

std::vector<MixedSums> sums_of(const Bank& bank, std::size_t at, const Tensor& tensor,
                               ErrorMeasure measure = ErrorMeasure::relative) {
  const auto& site = bank.sites[at];
  if (site.role == Role::weight) {
    std::vector<double> dx(tensor.x.size());
    return mixed_weight_backward<double>(bank, site, tensor.x, tensor.g, dx, measure);
  }
  MixedSums sums;
  mixed_backward<double>(tensor.x, tensor.g, bound_candidates<double>(bank, site), {}, {}, sums, measure);
  return {sums};
}

// <G, mixed x> + λ Σ p e over all sites, from the forward alone. e: relative, or T/2 sum G^2 (Q(x) - x)^2, of
// which G is a constant.
double objective(Bank bank, ErrorMeasure measure) {
  const bool fisher = measure == ErrorMeasure::fisher;
  update_probabilities(bank, temperature);
  double total = 0;
  for (std::size_t i = 0; i < bank.sites.size(); ++i) {
    const auto tensor = tensor_of(bank, i);
    const auto& site = bank.sites[i];
    const std::size_t row = tensor.x.size() / static_cast<std::size_t>(site.channels);
    double square = 0, error = 0;
    for (std::size_t e = 0; e < tensor.x.size(); ++e) {
      const auto channel = static_cast<std::int64_t>(e / row);
      for (const auto& candidate : bound_candidates<double>(bank, site, channel)) {
        const double q = reference::quantize(tensor.x[e], candidate);
        total += tensor.g[e] * candidate.probability * q;
        error += candidate.probability * (q - tensor.x[e]) * (q - tensor.x[e]) *
                 (fisher ? tensor.g[e] * tensor.g[e] : 1.0);
      }
      square += tensor.x[e] * tensor.x[e];
    }
    total += error_weight * error * (fisher ? tokens / 2 : 1 / square);
  }
  return total;
}

struct Gradients {
  std::vector<double> alpha, theta;
};
Gradients closed_form(const Bank& bank, ErrorMeasure measure) {
  Gradients g{std::vector<double>(bank.alpha.size(), 0.0), std::vector<double>(bank.theta.size(), 0.0)};
  for (std::size_t i = 0; i < bank.sites.size(); ++i)
    add_site_gradients(bank, bank.sites[i], sums_of(bank, i, tensor_of(bank, i), measure),
                       {.error_multiplier = error_weight,
                        .clip_decay = clip_decay,
                        .temperature = temperature,
                        .task_gradient = true,
                        .measure = measure,
                        .tokens = tokens},
                       g.alpha, g.theta);
  return g;
}

}  // namespace

TEST_CASE("the gradient of alpha is that of finite differences, tied or not, per tensor and per channel") {
  for (const auto& [tied, per_channel, measure] : {std::tuple{false, false, ErrorMeasure::relative},
                                                   {true, true, ErrorMeasure::relative},
                                                   {false, true, ErrorMeasure::relative},
                                                   {true, false, ErrorMeasure::relative},
                                                   {false, false, ErrorMeasure::fisher},
                                                   {true, true, ErrorMeasure::fisher}}) {
    CAPTURE(tied, per_channel);
    auto bank = uneven_bank({.per_channel = per_channel, .tie_shared_input = tied, .context = 5});
    const auto gradient = closed_form(bank, measure).alpha;
    for (std::size_t k = 0; k < bank.alpha.size(); ++k) {
      constexpr double h = 1e-4;
      auto up = bank, down = bank;
      up.alpha[k] += h, down.alpha[k] -= h;
      CHECK(gradient[k] ==
            Approx((objective(up, measure) - objective(down, measure)) / (2 * h)).epsilon(1e-6).margin(1e-6));
    }
  }
}

TEST_CASE("the gradient of ranges and offsets is autograd's, times LSQ's scale, plus PACT's decay") {
  for (const auto& [per_channel, measure] : {std::pair{false, ErrorMeasure::relative},
                                             {true, ErrorMeasure::relative},
                                             {false, ErrorMeasure::fisher},
                                             {true, ErrorMeasure::fisher}}) {
    const auto bank = uneven_bank({.per_channel = per_channel, .tie_shared_input = false, .context = 5});
    const auto gradient = closed_form(bank, measure).theta;
    for (std::size_t i = 0; i < bank.sites.size(); ++i) {
      const auto& site = bank.sites[i];
      const auto tensor = tensor_of(bank, i);
      const auto options = at::TensorOptions().dtype(at::kDouble);
      const at::Tensor x = at::tensor(tensor.x, options).view({site.channels, -1}),
                       g = at::tensor(tensor.g, options).view({site.channels, -1});
      for (std::size_t j = 0; j < site.candidates.size(); ++j) {
        const Candidate& candidate = site.candidates[j];
        const bool lsq = candidate.method == Method::lsq_plus, pact = candidate.method == Method::pact;
        const double p = bank.probabilities(site)[j];
        at::Tensor loss = at::zeros({}, options);
        std::vector<at::Tensor> ranges;
        const at::Tensor offset = at::full({}, bank.theta[site.offset + j], options).set_requires_grad(true);
        for (std::int64_t c = 0; c < site.channels; ++c) {
          ranges.push_back(at::full({}, bank.theta[site.range_at(j, c)], options).set_requires_grad(true));
          const at::Tensor q = quantize_with_ste(x[c], candidate, ranges.back(), offset);
          const at::Tensor error = (q - x[c]).square();
          loss = loss + p * (q * g[c]).sum() +
                 error_weight * p *
                     (measure == ErrorMeasure::fisher ? tokens / 2 * (g[c].square() * error).sum()
                                                      : error.sum() / x.square().sum());
        }
        if (lsq || pact) loss.backward();
        // METHOD section 2: g = 1 / sqrt(N Qp), N elements of the channel, or of the sample.
        const double n = site.role == Role::weight ? static_cast<double>(x.size(1)) : 40.0 * 5;
        const double scale = lsq ? 1 / std::sqrt(n * largest_code(candidate)) : 1;
        CAPTURE(site.name, to_string(candidate), per_channel);
        for (std::int64_t c = 0; c < site.channels; ++c) {
          const double range = bank.theta[site.range_at(j, c)];
          const double expected = !(lsq || pact)
                                      ? 0.0
                                      : scale * ranges[static_cast<std::size_t>(c)].grad().item<double>() +
                                            (pact ? 2 * clip_decay * range : 0.0);
          CHECK(gradient[site.range_at(j, c)] == Approx(expected).epsilon(1e-9).margin(1e-11));
        }
        const double by_offset = lsq && site.role == Role::input ? scale * offset.grad().item<double>() : 0.0;
        CHECK(gradient[site.offset + j] == Approx(by_offset).epsilon(1e-9).margin(1e-11));
      }
    }
  }
}

TEST_CASE("without a task gradient only the error moves alpha and the ranges") {
  const auto bank = uneven_bank({.per_channel = false, .tie_shared_input = false, .context = 5});
  const auto tensor = tensor_of(bank, 0);
  auto silent = tensor;
  silent.g.assign(tensor.g.size(), 0.0);
  Gradients with{std::vector<double>(bank.alpha.size()), std::vector<double>(bank.theta.size())},
      without = with;
  const SiteObjective errors_alone{
      .error_multiplier = 2, .clip_decay = 0, .temperature = 1, .task_gradient = false};
  add_site_gradients(bank, bank.sites[0], sums_of(bank, 0, tensor), errors_alone, with.alpha, with.theta);
  add_site_gradients(bank, bank.sites[0], sums_of(bank, 0, silent),
                     {.error_multiplier = 2, .clip_decay = 0, .temperature = 1, .task_gradient = true},
                     without.alpha, without.theta);
  for (std::size_t k = 0; k < with.alpha.size(); ++k)
    CHECK(with.alpha[k] == Approx(without.alpha[k]).margin(1e-14));
  for (std::size_t k = 0; k < with.theta.size(); ++k)
    CHECK(with.theta[k] == Approx(without.theta[k]).margin(1e-14));
}

TEST_CASE("the relative error is the expected squared error over the square, over all channels") {
  const auto bank = uneven_bank({.per_channel = true, .tie_shared_input = false, .context = 5});
  const auto& site = bank.sites[0];
  const auto tensor = tensor_of(bank, 0);
  double error = 0, square = 0;
  for (std::size_t e = 0; e < tensor.x.size(); ++e) {
    for (const auto& candidate : bound_candidates<double>(bank, site, static_cast<std::int64_t>(e / 40))) {
      const double q = reference::quantize(tensor.x[e], candidate);
      error += candidate.probability * (q - tensor.x[e]) * (q - tensor.x[e]);
    }
    square += tensor.x[e] * tensor.x[e];
  }
  CHECK(expected_error(bank, site, sums_of(bank, 0, tensor)) == Approx(error / square).epsilon(1e-10));
  // A site that no value came to, and a tensor of zeros, have no error.
  MixedSums nothing;
  nothing.candidates.resize(6);
  CHECK(expected_error(bank, site, std::vector<MixedSums>(3, nothing)) == 0);
  auto zeros = tensor;
  zeros.x.assign(zeros.x.size(), 0.0);
  CHECK(expected_error(bank, site, sums_of(bank, 0, zeros)) == 0);
}

TEST_CASE("candidate errors are those of every candidate in place of the mixture") {
  const auto bank = uneven_bank({.per_channel = true, .tie_shared_input = false, .context = 5});
  const auto& site = bank.sites[0];
  const auto tensor = tensor_of(bank, 0);
  std::vector<double> fisher(site.candidates.size(), 0.0);
  for (std::size_t e = 0; e < tensor.x.size(); ++e) {
    const auto bound = bound_candidates<double>(bank, site, static_cast<std::int64_t>(e / 40));
    for (std::size_t j = 0; j < fisher.size(); ++j) {
      const double q = reference::quantize(tensor.x[e], bound[j]), g = tensor.g[e];
      fisher[j] += tokens / 2 * g * g * (q - tensor.x[e]) * (q - tensor.x[e]);
    }
  }
  const SiteObjective objective{.measure = ErrorMeasure::fisher, .tokens = tokens};
  const auto sums = sums_of(bank, 0, tensor, ErrorMeasure::fisher);
  const auto errors = candidate_errors(site, sums, objective);
  double expected = 0;
  for (std::size_t j = 0; j < fisher.size(); ++j) {
    CHECK(errors[j] == Approx(fisher[j]).epsilon(1e-11));
    expected += bank.probabilities(site)[j] * fisher[j];
  }
  CHECK(expected_error(bank, site, sums, objective) == Approx(expected).epsilon(1e-11));
}

TEST_CASE("weights are mixed channel by channel with that channel's ranges") {
  const auto bank = uneven_bank({.per_channel = true, .tie_shared_input = false, .context = 5});
  const auto& site = bank.sites[0];
  const auto tensor = tensor_of(bank, 0);
  std::vector<double> mixed(tensor.x.size()), dx(tensor.g);
  mix_weights<double>(bank, site, tensor.x, mixed);
  mixed_weight_backward<double>(bank, site, tensor.x, dx, dx);  // in place
  for (std::size_t e = 0; e < mixed.size(); ++e) {
    double expected = 0, slope = 0;
    for (const auto& candidate : bound_candidates<double>(bank, site, static_cast<std::int64_t>(e / 40))) {
      expected += candidate.probability * reference::quantize(tensor.x[e], candidate);
      const double v = tensor.x[e] / candidate.step;
      const bool inside =
          candidate.method == Method::identity ||
          (candidate.method == Method::pact ? std::abs(tensor.x[e]) < candidate.clip
                                            : v >= candidate.smallest && v <= candidate.largest);
      slope += inside ? candidate.probability : 0.0;
    }
    CHECK(mixed[e] == Approx(expected).epsilon(1e-13).margin(1e-15));
    CHECK(dx[e] == Approx(slope * tensor.g[e]).epsilon(1e-13).margin(1e-15));
  }
}
