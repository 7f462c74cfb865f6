#include "quant/bank.hpp"

#include <numeric>

#include "catch.hpp"
#include "core/error.hpp"
#include "inputs.hpp"
#include "quant/cost.hpp"

using namespace quant_test;

namespace {

const std::vector<LayerShape> block{{"model.layers.0.self_attn.q_proj", 4, 6, "attention"},
                                    {"model.layers.0.self_attn.k_proj", 2, 6, "attention"},
                                    {"model.layers.0.self_attn.v_proj", 2, 6, "attention"},
                                    {"model.layers.0.self_attn.o_proj", 6, 4},
                                    {"model.layers.0.mlp.gate_proj", 8, 6, "feed_forward"},
                                    {"model.layers.0.mlp.up_proj", 8, 6, "feed_forward"},
                                    {"model.layers.0.mlp.down_proj", 6, 8}};

Bank search_bank(const BankOptions& options) {
  return make_search_bank(block, parse_candidates({"lsq+:4", "pact:3", "uniform:8", "fp32"}),
                          parse_candidates({"uniform:4", "lsq+:3", "fp32"}), options);
}

// MixedSums with no two numbers alike.
MixedSums numbered_sums(std::size_t candidates, double first) {
  MixedSums sums;
  for (std::size_t j = 0; j < candidates; ++j, first += 6)
    sums.candidates.push_back({first, first + 1, first + 2, first + 3, first + 4, first + 5});
  sums.square = first + 0.5, sums.maximum = first + 0.25, sums.count = first + 0.125;
  return sums;
}

}  // namespace

TEST_CASE("a bank has a weight and an input site for every layer, all numbers its own") {
  const auto bank = search_bank({.per_channel = true, .tie_shared_input = false, .context = 10});
  REQUIRE(bank.sites.size() == 14);
  std::size_t alpha = 0, theta = 0;
  for (std::size_t l = 0; l < block.size(); ++l) {
    const auto& weight = bank.sites[bank.weight_site[l]];
    const auto& input = bank.sites[bank.input_site[l]];
    CHECK(weight.role == Role::weight);
    CHECK(weight.name == block[l].name);
    CHECK(weight.layers == std::vector<std::size_t>{l});
    CHECK(weight.channels == block[l].out_features);
    CHECK(weight.elements == static_cast<double>(block[l].in_features));  // per channel
    CHECK(input.role == Role::input);
    CHECK(input.layers == std::vector<std::size_t>{l});
    CHECK(input.channels == 1);
    CHECK(input.elements == static_cast<double>(10 * block[l].in_features));  // per sample
  }
  for (const auto& site : bank.sites) {
    CHECK(site.alpha == alpha);
    CHECK(site.range == theta);
    alpha += site.candidates.size();
    theta += site.candidates.size() * static_cast<std::size_t>(site.channels);
    CHECK(site.offset == theta);
    theta += site.candidates.size();
  }
  CHECK(bank.alpha == std::vector<double>(alpha, 0.0));
  CHECK(bank.theta.size() == theta);
  for (const auto& site : bank.sites)
    for (const double p : bank.probabilities(site))
      CHECK(p == Approx(1.0 / static_cast<double>(site.candidates.size())).epsilon(1e-15));  // starts uniform
}

TEST_CASE("layers that read the same tensor share their choice when tied, and never their ranges") {
  const auto bank = search_bank({.per_channel = false, .tie_shared_input = true, .context = 10});
  const auto& w = bank.weight_site;
  const auto alpha = [&](std::size_t layer) { return bank.sites[w[layer]].alpha; };
  CHECK((alpha(0) == alpha(1) && alpha(1) == alpha(2)));
  CHECK(alpha(4) == alpha(5));
  CHECK((alpha(0) != alpha(3) && alpha(3) != alpha(4) && alpha(4) != alpha(6) && alpha(0) != alpha(4)));
  for (std::size_t l = 1; l < block.size(); ++l)
    CHECK(bank.sites[w[l]].range > bank.sites[w[l - 1]].range);  // every weight has its own
  const auto& in = bank.input_site;
  CHECK((in[0] == in[1] && in[1] == in[2] && in[4] == in[5]));
  CHECK((in[0] != in[3] && in[3] != in[4] && in[4] != in[6]));
  CHECK(bank.sites[in[0]].layers == std::vector<std::size_t>{0, 1, 2});
  CHECK(bank.sites[in[4]].layers == std::vector<std::size_t>{4, 5});
  CHECK(bank.alpha.size() == 4 * 4 + 4 * 3);  // four groups
}

TEST_CASE("a scheme's bank shares an input only where the group agrees on it") {
  auto scheme = parse_uniform("uniform:lsq+:w4a8", block);
  scheme.entries[1].input = parse_candidate("pact:8");
  const auto bank =
      make_scheme_bank(block, scheme, {.per_channel = false, .tie_shared_input = true, .context = 1});
  CHECK(bank.input_site[0] == bank.input_site[2]);
  CHECK(bank.input_site[0] != bank.input_site[1]);
  CHECK(bank.input_site[4] == bank.input_site[5]);
  CHECK(bank.probability == std::vector<double>(bank.probability.size(), 1.0));
  CHECK((bank.sites[bank.input_site[1]].candidates == std::vector<Candidate>{parse_candidate("pact:8")}));
  const auto apart =
      make_scheme_bank(block, scheme, {.per_channel = false, .tie_shared_input = false, .context = 1});
  CHECK(apart.sites.size() == 14);
  scheme.entries.pop_back();
  CHECK_THROWS_AS(make_scheme_bank(block, scheme, {}), Error);
}

TEST_CASE(
    "probabilities are the softmax of alpha plus noise over temperature, expected bits those without noise") {
  auto bank = search_bank({.per_channel = false, .tie_shared_input = true, .context = 1});
  bank.alpha = normal_values<double>(bank.alpha.size(), 1);
  const auto noise = normal_values<double>(bank.alpha.size(), 2);
  for (const double temperature : {0.3, 1.0, 5.0}) {
    update_probabilities(bank, temperature, noise);
    for (const auto& site : bank.sites) {
      double total = 0, quiet_total = 0, bits = 0;
      for (std::size_t j = 0; j < site.candidates.size(); ++j) {
        total += std::exp((bank.alpha[site.alpha + j] + noise[site.alpha + j]) / temperature);
        quiet_total += std::exp(bank.alpha[site.alpha + j] / temperature);
      }
      for (std::size_t j = 0; j < site.candidates.size(); ++j) {
        const double p = std::exp((bank.alpha[site.alpha + j] + noise[site.alpha + j]) / temperature) / total;
        const double quiet = std::exp(bank.alpha[site.alpha + j] / temperature) / quiet_total;
        CHECK(bank.probabilities(site)[j] == Approx(p).epsilon(1e-13));
        CHECK(bank.noise_free_probabilities(site)[j] == Approx(quiet).epsilon(1e-13));
        bits += quiet * site.candidates[j].bits;
      }
      CHECK(bank.expected_bits(site) == Approx(bits).epsilon(1e-13));
    }
  }
  bank.alpha.assign(bank.alpha.size(), 0.0);
  bank.alpha[0] = 1e4;  // no overflow
  update_probabilities(bank, 0.01);
  CHECK(bank.probability[0] == 1);
  CHECK(bank.probability[1] == 0);
}

TEST_CASE("the maximum of a uniform weight is that of now, channel by channel") {
  auto bank = search_bank({.per_channel = true, .tie_shared_input = false, .context = 1});
  const auto& site = bank.sites[bank.weight_site[1]];  // [2, 6]
  const auto before = bank.theta;
  const std::vector<double> w{0.1, -0.7, 0, 0.2, 0.3, 0.1, -2, 1, 1.5, -1, 0, 0};
  refresh_weight_maxima<double>(bank, site, w);
  CHECK(bank.theta[site.range_at(2, 0)] == 0.7);
  CHECK(bank.theta[site.range_at(2, 1)] == 2);
  bank.theta[site.range_at(2, 0)] = before[site.range_at(2, 0)];
  bank.theta[site.range_at(2, 1)] = before[site.range_at(2, 1)];
  CHECK(bank.theta == before);  // nothing else moved
}

TEST_CASE("the maximum of a uniform input is a running mean") {
  auto bank = search_bank({.per_channel = false, .tie_shared_input = false, .context = 1});
  const auto& site = bank.sites[bank.input_site[0]];
  bank.theta[site.range_at(0, 0)] = 2;
  const double lsq_step = bank.theta[site.range_at(1, 0)];
  update_input_maximum(bank, site, 5);
  CHECK(bank.theta[site.range_at(0, 0)] == Approx(0.99 * 2 + 0.01 * 5).epsilon(1e-15));
  update_input_maximum(bank, site, 1, 0.5);
  CHECK(bank.theta[site.range_at(0, 0)] == Approx(0.5 * (0.99 * 2 + 0.01 * 5) + 0.5).epsilon(1e-15));
  CHECK(bank.theta[site.range_at(1, 0)] == lsq_step);
}

TEST_CASE("what is trained are lsq+ steps, pact clips and the offsets of lsq+ inputs") {
  const auto bank = search_bank({.per_channel = true, .tie_shared_input = false, .context = 1});
  const auto trained = trained_theta(bank);
  const auto scale = theta_scale(bank);
  REQUIRE(trained.size() == bank.theta.size());
  for (const auto& site : bank.sites)
    for (std::size_t j = 0; j < site.candidates.size(); ++j) {
      const Method method = site.candidates[j].method;
      for (std::int64_t c = 0; c < site.channels; ++c) {
        CHECK(trained[site.range_at(j, c)] == (method == Method::lsq_plus || method == Method::pact));
        CHECK(scale[site.range_at(j, c)] == bank.theta[site.range_at(j, c)]);
      }
      const bool has_offset = method == Method::lsq_plus && site.role == Role::input;
      CHECK(trained[site.offset + j] == has_offset);
      if (has_offset) CHECK(scale[site.offset + j] == bank.theta[site.range_at(j, 0)] * 3);  // Qp of 3 bits
    }
}

TEST_CASE("projection makes ranges positive and leaves offsets alone") {
  auto bank = search_bank({.per_channel = true, .tie_shared_input = false, .context = 1});
  const auto before = bank.theta;
  for (auto& theta : bank.theta) theta -= 1.5;
  project_theta(bank);
  for (const auto& site : bank.sites) {
    for (std::size_t i = site.range; i < site.offset; ++i) CHECK(bank.theta[i] > 0);
    for (std::size_t j = 0; j < site.candidates.size(); ++j) CHECK(bank.theta[site.offset + j] == -1.5);
  }
}

TEST_CASE("packed sums come back, and the sum of two packs is the pack of the sums") {
  const auto bank = search_bank({.per_channel = false, .tie_shared_input = true, .context = 1});
  std::vector<MixedSums> one(bank.sites.size()), two(bank.sites.size());
  for (std::size_t i = 0; i < bank.sites.size(); ++i) {
    one[i] = numbered_sums(bank.sites[i].candidates.size(), 100 * static_cast<double>(i));
    two[i] = numbered_sums(bank.sites[i].candidates.size(), 7 - 50 * static_cast<double>(i));
  }
  const std::size_t size = packed_sums_size(bank);
  CHECK(size == 4 * (3 * 6 + 2));  // four input sites of three candidates
  std::vector<double> flat(size), other(size);
  pack_sums(bank, one, flat);
  pack_sums(bank, two, other);
  for (std::size_t i = 0; i < size; ++i) flat[i] += other[i];
  const auto back = unpack_sums(bank, flat);
  REQUIRE(back.size() == bank.sites.size());
  for (std::size_t i = 0; i < bank.sites.size(); ++i) {
    if (bank.sites[i].role == Role::weight) continue;
    CHECK(back[i].square == one[i].square + two[i].square);
    CHECK(back[i].count == one[i].count + two[i].count);
    REQUIRE(back[i].candidates.size() == 3);
    for (std::size_t j = 0; j < 3; ++j) {
      const auto &found = back[i].candidates[j], &a = one[i].candidates[j], &b = two[i].candidates[j];
      CHECK(found.gradient_quantized == a.gradient_quantized + b.gradient_quantized);
      CHECK(found.squared_error == a.squared_error + b.squared_error);
      CHECK(found.gradient_range == a.gradient_range + b.gradient_range);
      CHECK(found.error_range == a.error_range + b.error_range);
      CHECK(found.gradient_offset == a.gradient_offset + b.gradient_offset);
      CHECK(found.error_offset == a.error_offset + b.error_offset);
    }
  }
}
