// The Fisher error of weights from the gradients of shards, against the formula element by element.
#include "quant/weight_errors.hpp"

#include "catch.hpp"
#include "inputs.hpp"

using namespace quant_test;

namespace {

const std::vector<LayerShape> layers{{"model.layers.0.self_attn.q_proj", 3, 40},
                                     {"model.layers.0.mlp.up_proj", 5, 24}};
const std::vector<std::string> names{"lsq+:2", "pact:3", "uniform:4", "fp32"};

Bank usual_bank(bool per_channel) {
  auto bank = make_search_bank(layers, parse_candidates(names), parse_candidates(names),
                               {.per_channel = per_channel, .tie_shared_input = false, .context = 5});
  const auto wobble = normal_values<double>(bank.theta.size(), 9);
  for (const auto& site : bank.sites)
    for (std::size_t j = 0; j < site.candidates.size(); ++j)
      for (std::int64_t c = 0; c < site.channels; ++c)
        bank.theta[site.range_at(j, c)] =
            usual_range(site.candidates[j]) * (1 + 0.2 * std::tanh(wobble[site.range_at(j, c)]));
  return bank;
}

// What the engine does with the shards' gradients of one layer: sums by channel.
std::vector<MixedSums> measured(const Bank& bank, std::size_t layer, const std::vector<double>& weights,
                                const std::vector<std::vector<double>>& shards) {
  std::vector<double> flat(shard_errors_size(bank)), total(flat.size()), gradient(weights.size());
  for (const auto& shard : shards) {
    std::fill(flat.begin(), flat.end(), 0.0);
    measure_shard_errors<double>(bank, layer, weights, shard, flat);
    for (std::size_t i = 0; i < flat.size(); ++i) total[i] += flat[i];
    for (std::size_t i = 0; i < gradient.size(); ++i) gradient[i] += shard[i];
  }
  auto sums = mixed_weight_backward<double>(bank, bank.sites[bank.weight_site[layer]], weights, gradient, {},
                                            ErrorMeasure::fisher);
  centre_errors(bank, layer, total, static_cast<std::int64_t>(shards.size()), sums);
  return sums;
}

std::vector<std::vector<double>> random_shards(std::size_t count, std::size_t elements) {
  std::vector<std::vector<double>> shards;
  for (std::size_t k = 0; k < count; ++k) shards.push_back(normal_values<double>(elements, 60 + k));
  return shards;
}

}  // namespace

TEST_CASE("weights are weighed with K/(K-1) (sum G_k^2 - G^2/K), and with G^2 when there is one shard") {
  for (const bool per_channel : {false, true})
    for (const std::size_t layer : {0, 1})
      for (const std::size_t count : {1, 2, 4}) {
        CAPTURE(per_channel, layer, count);
        const auto bank = usual_bank(per_channel);
        const auto& site = bank.sites[bank.weight_site[layer]];
        const auto weights = normal_values<double>(120, 50);
        const auto shards = random_shards(count, weights.size());
        const auto found = measured(bank, layer, weights, shards);
        REQUIRE(found.size() == static_cast<std::size_t>(site.channels));
        const std::size_t row = weights.size() / found.size();
        for (std::size_t c = 0; c < found.size(); ++c) {
          const auto bound = bound_candidates<double>(bank, site, static_cast<std::int64_t>(c));
          for (std::size_t j = 0; j < bound.size(); ++j) {
            double squared = 0, by_range = 0;
            for (std::size_t i = c * row; i < (c + 1) * row; ++i) {
              double sum = 0, squares = 0;
              for (const auto& shard : shards) sum += shard[i], squares += shard[i] * shard[i];
              const double k = static_cast<double>(count);
              const double h = count == 1 ? sum * sum : k / (k - 1) * (squares - sum * sum / k);
              if (count == 2)  // the same in words of its own
                REQUIRE(h == Approx(std::pow(shards[0][i] - shards[1][i], 2)).margin(1e-12));
              MixedSums one;  // what a lone element adds, unweighted
              reference::mixed_backward<double>({&weights[i], 1}, {&sum, 1}, {&bound[j], 1}, {}, {}, one);
              squared += h * one.candidates[0].squared_error;
              by_range += h * one.candidates[0].error_range;
            }
            CHECK(found[c].candidates[j].squared_error == Approx(squared).epsilon(1e-10));
            CHECK(found[c].candidates[j].error_range == Approx(by_range).epsilon(1e-10).margin(1e-10));
          }
        }
      }
}

TEST_CASE("shards that all say the same have no curvature, and rounding never makes it negative") {
  const auto bank = usual_bank(true);
  const auto weights = normal_values<double>(120, 50);
  for (const std::size_t count : {2, 8}) {
    const std::vector<std::vector<double>> shards(count, normal_values<double>(120, 61));
    for (const auto& channel : measured(bank, 0, weights, shards))
      for (const auto& candidate : channel.candidates) {
        CHECK(candidate.squared_error >= 0);
        CHECK(candidate.squared_error < 1e-12);
        CHECK(std::abs(candidate.error_range) < 1e-12);
      }
  }
}

TEST_CASE("the estimate is the variance of a token's gradient over T, into however many shards T is cut") {
  // 16 tokens whose gradients have mean 3 and deviation 2, of each of 40,000 elements; their part in the
  // gradient of the mean loss is a 16th. Every element has the same error, 1/4 of a step of 1.
  const std::size_t elements = 40000, tokens = 16;
  const Bank bank = [&] {
    auto b = make_search_bank({{"layer", 200, 200}}, parse_candidates({"lsq+:4"}), {{}}, {});
    b.theta[b.sites[0].range] = 1;
    return b;
  }();
  const std::vector<double> weights(elements, 2.25);
  const auto noise = normal_values<double>(elements * tokens, 62);
  for (const std::size_t count : {2, 4, 16}) {
    std::vector<std::vector<double>> shards(count, std::vector<double>(elements, 0.0));
    for (std::size_t t = 0; t < tokens; ++t)
      for (std::size_t i = 0; i < elements; ++i)
        shards[t * count / tokens][i] += (3 + 2 * noise[t * elements + i]) / 16;
    const double h = measured(bank, 0, weights, shards)[0].candidates[0].squared_error /
                     (static_cast<double>(elements) / 16);
    // A mean of elements (K-1) squares: relative deviation sqrt(2 / (elements (K-1))) = 0.7 % at most.
    CHECK(16 * h == Approx(2 * 2).epsilon(0.03));
  }
}

TEST_CASE("a NaN in one shard's gradient stays one") {
  const auto bank = usual_bank(false);
  auto shards = random_shards(2, 120);
  shards[1][7] = std::numeric_limits<double>::quiet_NaN();
  const auto found = measured(bank, 0, normal_values<double>(120, 50), shards);
  CHECK(std::isnan(found[0].candidates[0].squared_error));
  CHECK(found[0].candidates[3].squared_error == 0);  // fp32 makes no error
}
