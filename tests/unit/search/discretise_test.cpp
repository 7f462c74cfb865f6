#include "search/discretise.hpp"

#include "bench.hpp"
#include "catch.hpp"
#include "core/error.hpp"
#include "search/statistics.hpp"

using namespace search_test;

namespace {

const std::vector<quant::LayerShape> block{
    {"model.layers.0.self_attn.q_proj", 4, 6}, {"model.layers.0.self_attn.k_proj", 2, 6},
    {"model.layers.0.self_attn.v_proj", 2, 6}, {"model.layers.0.self_attn.o_proj", 6, 4},
    {"model.layers.0.mlp.gate_proj", 9, 6},    {"model.layers.0.mlp.up_proj", 9, 6},
    {"model.layers.0.mlp.down_proj", 6, 9}};
const std::vector<std::string> names{"lsq+:2", "pact:4", "lsq+:8", "fp32"};

quant::Bank random_bank(const std::vector<quant::LayerShape>& layers,
                        const std::vector<std::string>& candidates, bool tied, KeyedRandom& random) {
  const auto set = quant::parse_candidates(candidates);
  auto bank = quant::make_search_bank(layers, set, set,
                                      {.per_channel = false, .tie_shared_input = tied, .context = 1});
  for (auto& alpha : bank.alpha) alpha = 2 * random.normal();
  quant::update_probabilities(bank, 1);
  return bank;
}

double log_probability(const quant::Bank& bank, const quant::Scheme& scheme) {
  double sum = 0;
  for (std::size_t l = 0; l < bank.layers.size(); ++l) {
    const auto at = [&](const quant::Site& site, const quant::Candidate& chosen) {
      for (std::size_t j = 0; j < site.candidates.size(); ++j)
        if (site.candidates[j] == chosen) return std::log(bank.probabilities(site)[j]);
      throw Error("not a candidate of the site");
    };
    sum += at(bank.sites[bank.weight_site[l]], scheme.entries[l].weight) +
           at(bank.sites[bank.input_site[l]], scheme.entries[l].input);
  }
  return sum;
}

search::Budget capacity_of(std::int64_t capacity, quant::CostKind kind = quant::CostKind::bops) {
  search::Budget budget;
  budget.kind = kind, budget.capacity = capacity, budget.target = 1;
  return budget;
}

}  // namespace

TEST_CASE("without a budget every site takes its most probable candidate") {
  KeyedRandom random(1, Stream::random_scheme);
  for (int i = 0; i < 20; ++i) {
    const auto bank = random_bank(block, names, false, random);
    const auto scheme = search::discretise(bank, {});
    const auto best = search::argmax_by_site(bank);
    for (std::size_t l = 0; l < block.size(); ++l) {
      CHECK(scheme.entries[l].layer == block[l].name);
      CHECK((scheme.entries[l].weight == bank.sites[0].candidates[best[bank.weight_site[l]]]));
      CHECK((scheme.entries[l].input == bank.sites[0].candidates[best[bank.input_site[l]]]));
    }
  }
}

TEST_CASE("a budget is never exceeded, tied or not, and one that cannot be met is an error") {
  KeyedRandom random(2, Stream::random_scheme);
  for (int i = 0; i < 200; ++i) {
    const bool tied = i % 2 == 0;
    const auto kind = i % 3 == 0 ? quant::CostKind::size : quant::CostKind::bops;
    const auto bank = random_bank(block, names, tied, random);
    std::int64_t cheapest = 0;
    for (const auto& layer : block) cheapest += quant::layer_cost(kind, layer, 2, 2);
    const std::int64_t capacity =
        cheapest + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(8 * cheapest)));
    const auto scheme = search::discretise(bank, capacity_of(capacity, kind));
    REQUIRE(quant::scheme_cost(kind, block, scheme) <= capacity);
    if (tied) {
      for (const std::size_t l : {1, 2})
        REQUIRE((scheme.entries[l].weight == scheme.entries[0].weight &&
                 scheme.entries[l].input == scheme.entries[0].input));
      REQUIRE((scheme.entries[5].weight == scheme.entries[4].weight &&
               scheme.entries[5].input == scheme.entries[4].input));
    }
    REQUIRE(quant::scheme_cost(kind, block, search::discretise(bank, capacity_of(cheapest, kind))) ==
            cheapest);
    REQUIRE_THROWS_AS(search::discretise(bank, capacity_of(cheapest - 1, kind)), ConfigError);
  }
}

TEST_CASE("within the budget the most probable scheme is chosen, layers that share a choice counted each") {
  KeyedRandom random(3, Stream::random_scheme);
  const std::vector<quant::LayerShape> small{block[0], block[1]};  // q and k: one decision when tied
  const std::vector<std::string> few{"lsq+:2", "pact:4", "fp32"};
  const auto set = quant::parse_candidates(few);
  for (int i = 0; i < 60; ++i) {
    const bool tied = i % 2 == 0;
    const auto bank = random_bank(small, few, tied, random);
    const std::int64_t capacity = 150 + static_cast<std::int64_t>(random.below(10000));
    double best = -INFINITY;
    for (int code = 0; code < 81; ++code) {
      quant::Scheme scheme;
      scheme.entries = {{small[0].name, set[static_cast<std::size_t>(code % 3)],
                         set[static_cast<std::size_t>(code / 3 % 3)]},
                        {small[1].name, set[static_cast<std::size_t>(code / 9 % 3)],
                         set[static_cast<std::size_t>(code / 27)]}};
      const auto &a = scheme.entries[0], &b = scheme.entries[1];
      if (tied && !(a.weight == b.weight && a.input == b.input)) continue;
      if (quant::scheme_cost(quant::CostKind::bops, small, scheme) <= capacity)
        best = std::max(best, log_probability(bank, scheme));
    }
    const auto found = search::discretise(bank, capacity_of(capacity));
    CHECK(log_probability(bank, found) == Approx(best).epsilon(1e-12));
  }
}

TEST_CASE("probabilities that vanish leave a scheme within the budget all the same") {
  KeyedRandom random(4, Stream::random_scheme);
  auto bank = random_bank(block, names, false, random);
  for (const auto& site : bank.sites) bank.alpha[site.alpha + 3] = 1e6;  // fp32 for certain
  quant::update_probabilities(bank, 0.1);
  const std::int64_t capacity = quant::full_cost(quant::CostKind::bops, block) / 30;
  CHECK(quant::scheme_cost(quant::CostKind::bops, block, search::discretise(bank, capacity_of(capacity))) <=
        capacity);
}

TEST_CASE("what the scheme leaves of the budget is spent on wider candidates only, and never exceeds it") {
  Bench<float> bench;
  const std::vector<std::string> twice{"lsq+:2", "pact:2", "pact:4", "uniform:4",
                                       "fp32"};  // methods to go astray to
  KeyedRandom random(5, Stream::random_scheme);
  for (int i = 0; i < 12; ++i) {
    const bool tied = i % 2 == 0;
    auto bank = bench.bank(twice, twice, {.per_channel = i % 3 == 0, .tie_shared_input = tied}, 2);
    for (auto& alpha : bank.alpha) alpha = 2 * random.normal();
    quant::update_probabilities(bank, 1);
    const auto& layers = bench.layout.linears;
    const std::int64_t full = quant::full_cost(quant::CostKind::bops, layers);
    const auto first = search::discretise(bank, capacity_of(full / 40));
    const std::int64_t used = quant::scheme_cost(quant::CostKind::bops, layers, first);
    std::int64_t last = 0;
    for (const std::int64_t capacity : {used, used + full / 100, full / 4, full}) {
      const auto scheme = search::spend_rest<float>(first, bank, capacity_of(capacity), bench.engine,
                                                    bench.weights(), bench.outer, 4, 2);
      const std::int64_t cost = quant::scheme_cost(quant::CostKind::bops, layers, scheme);
      REQUIRE(cost <= capacity);
      REQUIRE(cost >= used);
      if (capacity == used) REQUIRE(cost == used);
      for (std::size_t l = 0; l < layers.size(); ++l) {
        const auto &before = first.entries[l], &after = scheme.entries[l];
        REQUIRE((after.weight == before.weight || after.weight.bits > before.weight.bits));
        REQUIRE((after.input == before.input || after.input.bits > before.input.bits));
        if (tied && l % 7 == 1) REQUIRE(after.input == scheme.entries[l - 1].input);
      }
      last = cost;
    }
    CHECK(last > used);  // something was worth having
  }
}

TEST_CASE(
    "spending follows the estimate: with all at two bits, room for one layer goes where the loss gains "
    "most") {
  Bench<float> bench(1);
  const std::vector<std::string> two{"uniform:2", "fp32"};
  auto bank = bench.bank(two, {"fp32"}, {}, 0);
  for (const auto& site : bank.sites)
    if (site.role == quant::Role::weight) bank.alpha[site.alpha] = 30;
  quant::update_probabilities(bank, 1);
  const auto& layers = bench.layout.linears;
  quant::Scheme narrow;
  for (const auto& layer : layers)
    narrow.entries.push_back({layer.name, quant::parse_candidate("uniform:2"), {}});
  // The estimate, computed here: G at the quantized network times (Q - W), over the same batches.
  std::vector<double> gain(layers.size(), 0.0);
  auto settled = quant::make_scheme_bank(layers, narrow, {});
  for (std::int64_t b = 0; b < 2; ++b) {
    auto mixed = bank;  // p of the first candidate is 1 but for e^-30
    const auto gradient = bench.engine.gradient(bench.weights(), &mixed, {bench.outer, b, 4}, {});
    for (std::size_t l = 0; l < layers.size(); ++l) {
      const auto& sums = gradient.sums[mixed.weight_site[l]][0];
      gain[l] += (sums.candidates[0].gradient_quantized - sums.candidates[1].gradient_quantized) / 2;
    }
  }
  // Room for exactly one of the equally large layers gate and up, or anything smaller.
  search::Budget budget =
      capacity_of(quant::scheme_cost(quant::CostKind::size, layers, narrow) + 30 * layers[4].parameters(),
                  quant::CostKind::size);
  const auto scheme =
      search::spend_rest<float>(narrow, bank, budget, bench.engine, bench.weights(), bench.outer, 4, 2);
  double best = 0;
  for (std::size_t mask = 0; mask < 128; ++mask) {
    std::int64_t parameters = 0;
    double sum = 0;
    for (std::size_t l = 0; l < 7; ++l)
      if (mask >> l & 1) parameters += layers[l].parameters(), sum += gain[l];
    if (parameters <= layers[4].parameters()) best = std::max(best, sum);
  }
  double found = 0;
  for (std::size_t l = 0; l < 7; ++l)
    if (scheme.entries[l].weight.bits == 32) found += gain[l];
  CHECK(found == Approx(best).epsilon(1e-4));
  CHECK(best > 0);
}

TEST_CASE("without a budget nothing is left to spend") {
  Bench<float> bench(1);
  auto bank = bench.bank(names, names, {}, 1);
  quant::update_probabilities(bank, 1);
  const auto scheme = search::discretise(bank, {});
  CHECK((search::spend_rest<float>(scheme, bank, {}, bench.engine, bench.weights(), bench.outer, 4, 1) ==
         scheme));
}
