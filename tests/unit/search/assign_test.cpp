// From values of candidates to a scheme.
#include "search/assign.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>

#include "catch.hpp"
#include "core/error.hpp"
#include "core/random.hpp"

using namespace bitdarts;
using search::SiteValues;

namespace {

std::size_t index_of(const quant::Site& site, const quant::Candidate& candidate) {
  const auto found = std::find(site.candidates.begin(), site.candidates.end(), candidate);
  REQUIRE(found != site.candidates.end());
  return static_cast<std::size_t>(found - site.candidates.begin());
}

// The sum of the values of a scheme's candidates, a shared input counted once.
double value_of(const quant::Bank& bank, const search::SiteValues& values, const quant::Scheme& scheme) {
  double sum = 0;
  for (const auto& group : search::decision_groups(bank)) {
    const std::size_t input = bank.input_site[group.front()];
    sum += values[input][index_of(bank.sites[input], scheme.entries[group.front()].input)];
    for (const std::size_t l : group) {
      const std::size_t weight = bank.weight_site[l];
      sum += values[weight][index_of(bank.sites[weight], scheme.entries[l].weight)];
    }
  }
  return sum;
}

constexpr auto bops = quant::CostKind::bops;
const quant::Candidate two = quant::parse_candidate("lsq+:2");

const std::vector<quant::LayerShape> block{{"model.layers.0.self_attn.q_proj", 4, 6, "attention"},
                                           {"model.layers.0.self_attn.k_proj", 2, 6, "attention"},
                                           {"model.layers.0.self_attn.v_proj", 2, 6, "attention"},
                                           {"model.layers.0.self_attn.o_proj", 6, 4},
                                           {"model.layers.0.mlp.gate_proj", 9, 6, "feed_forward"},
                                           {"model.layers.0.mlp.up_proj", 9, 6, "feed_forward"},
                                           {"model.layers.0.mlp.down_proj", 6, 9}};
// Few enough to try every scheme: q and k, which share an input, and o.
const std::vector<quant::LayerShape> small{block[0], block[1], block[3]};
const std::vector<std::string> names{"lsq+:2", "pact:4", "lsq+:8", "fp32"};
const std::vector<std::string> few{"lsq+:2", "pact:4", "fp32"};

quant::Bank bank_of(const std::vector<quant::LayerShape>& layers, const std::vector<std::string>& candidates,
                    bool tied) {
  const auto set = quant::parse_candidates(candidates);
  return quant::make_search_bank(layers, set, set,
                                 {.per_channel = false, .tie_shared_input = tied, .context = 1});
}

// Whatever a strategy may say: some values below 0.
SiteValues random_values(const quant::Bank& bank, KeyedRandom& random) {
  SiteValues values;
  for (const auto& site : bank.sites) {
    values.emplace_back();
    for (std::size_t k = 0; k < site.candidates.size(); ++k) values.back().push_back(random.normal());
  }
  return values;
}

// Every scheme of the candidates, with layers of a shared input (all but the last of `small`) alike when
// `tied`.
void for_each_scheme(const quant::Bank& bank, bool tied,
                     const std::function<void(const quant::Scheme&)>& use) {
  const auto& set = bank.sites.front().candidates;
  quant::Scheme scheme;
  for (const auto& layer : bank.layers) scheme.entries.push_back({layer.name, {}, {}});
  const std::function<void(std::size_t)> from = [&](std::size_t l) {
    if (l == scheme.entries.size()) return use(scheme);
    auto& entry = scheme.entries[l];
    if (tied && l > 0 && bank.input_site[l] == bank.input_site[l - 1]) {
      entry.weight = scheme.entries[l - 1].weight, entry.input = scheme.entries[l - 1].input;
      return from(l + 1);
    }
    for (const auto& weight : set)
      for (const auto& input : set) {
        entry.weight = weight, entry.input = input;
        from(l + 1);
      }
  };
  from(0);
}

// Its own sum: each weight of each layer, each input site once.
double sum_of_values(const quant::Bank& bank, const SiteValues& values, const quant::Scheme& scheme) {
  double sum = 0;
  for (std::size_t s = 0; s < bank.sites.size(); ++s) {
    const auto& site = bank.sites[s];
    const auto& entry = scheme.entries[site.layers.front()];
    const auto& chosen = site.role == quant::Role::weight ? entry.weight : entry.input;
    for (std::size_t k = 0; k < site.candidates.size(); ++k)
      if (site.candidates[k] == chosen) sum += values[s][k];
  }
  return sum;
}

struct Best {
  double value = std::numeric_limits<double>::infinity();
  std::int64_t cost = 0;
};
Best best_of_all(const quant::Bank& bank, const SiteValues& values, const quant::Cost& kind, bool tied,
                 std::int64_t capacity) {
  Best best;
  for_each_scheme(bank, tied, [&](const quant::Scheme& scheme) {
    const std::int64_t cost = quant::scheme_cost(kind, bank.layers, scheme);
    const double value = sum_of_values(bank, values, scheme);
    if (cost <= capacity && value < best.value) best = {value, cost};
  });
  return best;
}

std::int64_t cheapest_of(const std::vector<quant::LayerShape>& layers, const quant::Cost& kind) {
  std::int64_t cost = 0;
  for (const auto& layer : layers) {  // of the size an input in full precision costs least: it stores nothing
    std::int64_t least = quant::layer_cost(kind, layer, two, two);
    for (const auto& input : quant::parse_candidates(names))
      least = std::min(least, quant::layer_cost(kind, layer, two, input));
    cost += least;
  }
  return cost;
}

std::int64_t random_capacity(const std::vector<quant::LayerShape>& layers, const quant::Cost& kind,
                             std::uint64_t times, KeyedRandom& random) {
  const std::int64_t cheapest = cheapest_of(layers, kind);
  return cheapest + static_cast<std::int64_t>(random.below(times * static_cast<std::uint64_t>(cheapest)));
}

std::string message_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

}  // namespace

TEST_CASE("without a budget every layer takes its candidates of least value") {
  KeyedRandom random(1, Stream::random_scheme);
  for (int i = 0; i < 20; ++i) {
    const auto bank = bank_of(block, names, false);
    const auto values = random_values(bank, random);
    const auto scheme = search::assign(bank, values, bops, {});
    const auto least = [&](std::size_t site) {
      const auto& of_site = values[site];
      const auto k = std::min_element(of_site.begin(), of_site.end()) - of_site.begin();
      return bank.sites[site].candidates[static_cast<std::size_t>(k)];
    };
    for (std::size_t l = 0; l < block.size(); ++l) {
      CHECK(scheme.entries[l].layer == block[l].name);
      CHECK((scheme.entries[l].weight == least(bank.weight_site[l])));
      CHECK((scheme.entries[l].input == least(bank.input_site[l])));
    }
  }
}

TEST_CASE("without a budget layers that choose together take what is least for all of them") {
  KeyedRandom random(2, Stream::random_scheme);
  for (int i = 0; i < 20; ++i) {
    const auto bank = bank_of(small, few, true);
    const auto values = random_values(bank, random);
    const auto scheme = search::assign(bank, values, bops, {});
    const std::int64_t any = quant::full_cost(bops, small);
    CHECK(sum_of_values(bank, values, scheme) ==
          Approx(best_of_all(bank, values, bops, true, any).value).epsilon(1e-12));
  }
}

TEST_CASE("a budget is never exceeded, tied or not, and one that cannot be met is an error") {
  KeyedRandom random(3, Stream::random_scheme);
  for (int i = 0; i < 200; ++i) {
    const bool tied = i % 2 == 0;
    const quant::Cost kind = i % 3 == 0 ? quant::Cost(quant::CostKind::size, i % 2 == 0) : bops;
    const auto bank = bank_of(block, names, tied);
    const auto values = random_values(bank, random);
    const std::int64_t cheapest = cheapest_of(block, kind),
                       capacity = random_capacity(block, kind, 8, random);
    const auto scheme = search::assign(bank, values, kind, capacity);
    REQUIRE(quant::scheme_cost(kind, block, scheme) <= capacity);
    if (tied) {
      for (const std::size_t l : {1, 2})
        REQUIRE((scheme.entries[l].weight == scheme.entries[0].weight &&
                 scheme.entries[l].input == scheme.entries[0].input));
      REQUIRE((scheme.entries[5].weight == scheme.entries[4].weight &&
               scheme.entries[5].input == scheme.entries[4].input));
    }
    REQUIRE(quant::scheme_cost(kind, block, search::assign(bank, values, kind, cheapest)) == cheapest);
    REQUIRE_THROWS_AS(search::assign(bank, values, kind, cheapest - 1), ConfigError);
  }
}

TEST_CASE("within the budget no scheme has a lower value, each weight and each shared input counted once") {
  KeyedRandom random(4, Stream::random_scheme);
  for (int i = 0; i < 60; ++i) {
    const bool tied = i % 2 == 0;
    const quant::Cost kind = i % 3 == 0 ? quant::Cost(quant::CostKind::size, i % 2 == 0) : bops;
    const auto bank = bank_of(small, few, tied);
    const auto values = random_values(bank, random);
    const std::int64_t capacity = random_capacity(small, kind, kind == bops ? 200 : 14, random);
    const auto found = search::assign(bank, values, kind, capacity);
    const double value = sum_of_values(bank, values, found);
    CHECK(value == Approx(best_of_all(bank, values, kind, tied, capacity).value).epsilon(1e-12));
    CHECK(value_of(bank, values, found) == Approx(value).epsilon(1e-12));
  }
}

TEST_CASE("a shared input counts once however many layers it serves") {
  const auto bank = bank_of({block[0], block[1], block[2]}, {"lsq+:4", "lsq+:8"}, true);
  REQUIRE(bank.sites.size() == 4);
  SiteValues values(4, {0.0, 0.0});
  values[bank.input_site[0]] = {0.0, 1.0};  // the narrow input gains 1 in all ...
  for (const std::size_t l : {0, 1, 2}) values[bank.weight_site[l]] = {0.5, 0.0};
  const auto scheme = search::assign(bank, values, bops, {});
  CHECK(value_of(bank, values, scheme) == 0);
  // ... so that 1.5 of the wide weights are worth more where both do not fit: 8 x 4 within 8 x 4.
  std::int64_t capacity = 0;
  for (const auto& layer : bank.layers)
    capacity +=
        quant::layer_cost(bops, layer, quant::parse_candidate("lsq+:8"), quant::parse_candidate("pact:4"));
  auto other = values;
  other[bank.input_site[0]] = {1.0, 0.0};
  const auto tight = search::assign(bank, other, bops, capacity);
  CHECK(tight.entries[0].weight.bits == 8);
  CHECK(tight.entries[0].input.bits == 4);
  CHECK(value_of(bank, other, tight) == 1);
}

TEST_CASE("what is left of the budget buys whatever lowers the value, to the last bit") {
  KeyedRandom random(5, Stream::random_scheme);
  for (int i = 0; i < 40; ++i) {
    const bool tied = i % 2 == 0;
    const auto bank = bank_of(small, few, tied);
    SiteValues values;  // fall with the width: 4^-bits, differently steep
    for (const auto& site : bank.sites) {
      const double steepness = std::exp(2 * random.normal());
      values.emplace_back();
      for (const auto& candidate : site.candidates)
        values.back().push_back(steepness * std::pow(4.0, -candidate.bits));
    }
    const std::int64_t capacity = random_capacity(small, bops, 200, random);
    const auto scheme = search::assign(bank, values, bops, capacity);
    const double value = sum_of_values(bank, values, scheme);
    const Best best = best_of_all(bank, values, bops, tied, capacity);
    CHECK(value == Approx(best.value).epsilon(1e-12));
    // No single layer (or group) can be made wider within what is left.
    const std::int64_t left = capacity - quant::scheme_cost(bops, small, scheme);
    for_each_scheme(bank, tied, [&](const quant::Scheme& other) {
      bool wider = true;
      for (std::size_t l = 0; l < small.size(); ++l)
        wider = wider && other.entries[l].weight.bits >= scheme.entries[l].weight.bits &&
                other.entries[l].input.bits >= scheme.entries[l].input.bits;
      if (!wider || other == scheme) return;
      REQUIRE(quant::scheme_cost(bops, small, other) - quant::scheme_cost(bops, small, scheme) > left);
    });
  }
}

TEST_CASE("candidates that come on top never make a scheme worse") {
  KeyedRandom random(6, Stream::random_scheme);
  for (int i = 0; i < 100; ++i) {
    const bool tied = i % 2 == 0;
    const quant::Cost kind = i % 3 == 0 ? quant::Cost(quant::CostKind::size, i % 2 == 0) : bops;
    const auto bank = bank_of(block, names, tied);
    const auto values = random_values(bank, random);
    const std::int64_t capacity = random_capacity(block, kind, 20, random);
    const auto scheme = search::assign(bank, values, kind, capacity);
    const double value = value_of(bank, values, scheme);

    // The same widths by another method, worse everywhere: the scheme stays as it is. (Of the size uniform
    // costs less on inputs than lsq+, which stores an offset: there it may be worth its loss.)
    auto more = names;
    more.insert(more.end(), {"uniform:2", "uniform:4", "uniform:8"});
    const auto with_method = bank_of(block, more, tied);
    auto worse = values;
    for (auto& of_site : worse)
      for (std::size_t k = 0; k < 3; ++k) of_site.push_back(of_site[k] + 0.01 + random.uniform());
    if (kind.kind == bops) CHECK((search::assign(with_method, worse, kind, capacity) == scheme));

    // Any candidates: the value falls or stays.
    more = names;
    more.insert(more.end(), {"uniform:3", "pact:6", "lsq+:16"});
    const auto with_any = bank_of(block, more, tied);
    auto any = values;
    for (auto& of_site : any)
      for (int k = 0; k < 3; ++k) of_site.push_back(random.normal());
    const auto richer = search::assign(with_any, any, kind, capacity);
    CHECK(quant::scheme_cost(kind, block, richer) <= capacity);
    CHECK(value_of(with_any, any, richer) <= value + 1e-12);
  }
}

TEST_CASE("a value far away does no harm") {
  KeyedRandom random(7, Stream::random_scheme);
  for (int i = 0; i < 40; ++i) {
    const auto bank = bank_of(small, few, false);
    auto values = random_values(bank, random);
    const std::int64_t capacity = random_capacity(small, bops, 200, random);
    // A candidate that nothing forces is not taken, and the rest is still told apart.
    const std::size_t site = random.below(values.size());
    values[site][2] = 1e9;
    const auto scheme = search::assign(bank, values, bops, capacity);
    CHECK(sum_of_values(bank, values, scheme) ==
          Approx(best_of_all(bank, values, bops, false, capacity).value).epsilon(1e-12));
    // All of a site: only differences matter, as far as doubles of that size have them.
    auto lifted = random_values(bank, random);
    const auto expected = search::assign(bank, lifted, bops, capacity);
    for (double& value : lifted[site]) value += 1e9;
    CHECK((search::assign(bank, lifted, bops, capacity) == expected));
  }
}

TEST_CASE("a value that is not a finite number is an error that names the site and the candidate") {
  KeyedRandom random(8, Stream::random_scheme);
  const auto bank = bank_of(block, names, false);
  const auto good = random_values(bank, random);
  for (const double bad : {std::nan(""), HUGE_VAL, -HUGE_VAL})
    for (const std::size_t site : {bank.weight_site[3], bank.input_site[6]}) {
      auto values = good;
      values[site][1] = bad;
      for (const auto capacity :
           {std::optional<std::int64_t>{}, std::optional{quant::full_cost(bops, block)}}) {
        const std::string message = message_of([&] { search::assign(bank, values, bops, capacity); });
        CHECK(message.find(bank.sites[site].name) != std::string::npos);
        CHECK(message.find("pact:4") != std::string::npos);
        CHECK(message.find("not a finite number") != std::string::npos);
      }
    }
}

TEST_CASE("values that are not those of the candidates are an error") {
  KeyedRandom random(9, Stream::random_scheme);
  const auto bank = bank_of(block, names, false);
  auto values = random_values(bank, random);
  values.back().pop_back();
  CHECK_THROWS_AS(search::assign(bank, values, bops, {}), Error);
  values.pop_back();
  CHECK_THROWS_AS(search::assign(bank, values, bops, {}), Error);
}

TEST_CASE("a price on the cost buys no bits that save less than they cost") {
  const auto bank = bank_of(block, names, false);
  search::SiteValues values;
  for (const auto& site : bank.sites) {
    values.emplace_back();
    double loss = 1;
    for (const auto& candidate : site.candidates)
      values.back().push_back(loss *= candidate.bits > 2 ? 0.3 : 1);
  }
  const quant::Cost kind = bops;
  double last_loss = -INFINITY;
  std::int64_t last_cost = quant::full_cost(kind, block) + 1;
  for (const double price : {0.0, 1.0, 10.0, 100.0, 1e6}) {
    const auto scheme = search::assign(bank, values, kind, std::nullopt, price);
    const double loss = value_of(bank, values, scheme);
    const std::int64_t cost = quant::scheme_cost(kind, block, scheme);
    CHECK(loss >= last_loss);
    CHECK(cost <= last_cost);
    last_loss = loss, last_cost = cost;
  }
  std::int64_t cheapest = 0;
  for (const auto& layer : block) cheapest += quant::layer_cost(kind, layer, two, two);
  CHECK(last_cost == cheapest);
}
