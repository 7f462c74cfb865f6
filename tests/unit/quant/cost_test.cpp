#include "quant/budget.hpp"

#include "catch.hpp"
#include "core/error.hpp"
#include "inputs.hpp"
#include "quant/packing.hpp"

using namespace quant_test;

namespace {

const std::vector<LayerShape> layers{
    {"a", 10, 20}, {"b", 30, 10}, {"c", 4, 25}};  // 200, 300 and 100 parameters
const auto candidates = parse_candidates(default_names);

std::int64_t budget(const std::string& text, const Cost& cost) {
  return parse_budget(text, cost, layers, candidates, candidates).capacity.value();
}
std::string refusal(const std::string& text, CostKind kind) {
  try {
    budget(text, kind);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "accepted";
}
bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

Scheme scheme_of(std::vector<std::pair<Candidate, Candidate>> choices) {
  Scheme scheme;
  for (std::size_t l = 0; l < layers.size(); ++l)
    scheme.entries.push_back({layers[l].name, choices[l].first, choices[l].second});
  return scheme;
}

}  // namespace

TEST_CASE("costs count every multiplication by both widths, or every parameter by one") {
  CHECK(parse_cost("bops") == CostKind::bops);
  CHECK(parse_cost("size") == CostKind::size);
  CHECK_THROWS_AS(parse_cost("flops"), ConfigError);
  CHECK(full_cost(CostKind::bops, layers) == 600 * 1024);
  CHECK(full_cost(CostKind::size, layers) == 600 * 32);
  const Scheme scheme = scheme_of(
      {{{Method::pact, 4}, {Method::pact, 8}}, {{}, {Method::lsq_plus, 2}}, {{Method::uniform, 3}, {}}});
  CHECK(scheme_cost(CostKind::bops, layers, scheme) == 200 * 32 + 300 * 64 + 100 * 96);
  // Codes in rows of whole bytes (25 of 3 bits: 10 bytes), a scale each, and 1, 2 and no numbers for inputs.
  const std::int64_t stored = 10 * 10 * 8 + 300 * 32 + 4 * 10 * 8 + 32 * (2 + 1 + 2);
  CHECK(scheme_cost(CostKind::size, layers, scheme) == stored);
  CHECK(scheme_cost({CostKind::size, true}, layers, scheme) == stored + 32 * (10 - 1 + 4 - 1));
  const SchemeSummary summary = summarise(layers, scheme);
  CHECK(summary.mean_weight_bits == Approx((800 + 9600 + 300) / 600.0));
  CHECK(summary.mean_input_bits == Approx((1600 + 600 + 3200) / 600.0));
  CHECK(summary.bops_ratio == Approx((6400 + 19200 + 9600) / (600.0 * 1024)));
  CHECK(summary.size_ratio == Approx(summary.mean_weight_bits / 32));
}

TEST_CASE("what is not quantized is counted at 32 by 32 beside the scheme, and said in words") {
  const Scheme scheme = parse_uniform("uniform:lsq+:w3a3", layers);
  // 600 multiplications of 9 bit operations, 200 of 1024; of 800 times 1024.
  const SchemeSummary with = summarise(layers, scheme, 200);
  CHECK(with.bops_ratio == Approx(9.0 / 1024));
  CHECK(with.bops_ratio_all == Approx((600 * 9 + 200 * 1024) / (800.0 * 1024)));
  CHECK(bops_in_words(with) == "0.879% (25.7% with the output head)");
  CHECK(bops_in_words({.bops_ratio = 9.0 / 1024, .bops_ratio_all = 0.4}) ==
        "0.879% (40.0% with the output head)");
  CHECK(bops_in_words({.bops_ratio = 9.0 / 1024, .bops_ratio_all = 0.015}) ==
        "0.879% (1.50% with the output head)");
  const SchemeSummary without = summarise(layers, scheme);
  CHECK(without.bops_ratio_all == without.bops_ratio);
  CHECK(bops_in_words(without) == "0.879%");
}

TEST_CASE("costs of large networks do not overflow") {
  const std::vector<LayerShape> large(100, {"x", 1'000'000, 1'000'000});
  CHECK(full_cost(CostKind::bops, large) == 100'000'000'000'000 * 1024);
}

TEST_CASE("a scheme of other layers has no cost here") {
  Scheme scheme = parse_uniform("uniform:lsq+:w4a8", layers);
  std::swap(scheme.entries[0], scheme.entries[1]);
  CHECK_THROWS(scheme_cost(CostKind::bops, layers, scheme));
  scheme.entries.pop_back();
  CHECK_THROWS(summarise(layers, scheme));
}

TEST_CASE("no scheme of any candidates costs more than the largest cost") {
  for (const Cost& cost : {Cost(CostKind::bops), Cost(CostKind::size), Cost(CostKind::size, true)})
    for (const auto& weight : all_candidates())
      for (const auto& input : all_candidates())
        REQUIRE(scheme_cost(cost, layers, scheme_of({3, {weight, input}})) <= largest_cost(cost, layers));
  CHECK(largest_cost(CostKind::bops, layers) == full_cost(CostKind::bops, layers));
}

TEST_CASE("the expected cost of certain candidates is the scheme's cost") {
  const Scheme scheme = scheme_of(
      {{{Method::pact, 4}, {Method::pact, 8}}, {{}, {Method::lsq_plus, 2}}, {{Method::uniform, 3}, {}}});
  for (const Cost& cost : {Cost(CostKind::bops), Cost(CostKind::size), Cost(CostKind::size, true)}) {
    std::vector<double> w, a;
    for (std::size_t l = 0; l < layers.size(); ++l) {
      w.push_back(static_cast<double>(weight_units(cost, layers[l], scheme.entries[l].weight)));
      a.push_back(static_cast<double>(input_units(cost, scheme.entries[l].input)));
    }
    CHECK(expected_cost(cost, layers, w, a).ratio ==
          Approx(static_cast<double>(scheme_cost(cost, layers, scheme)) /
                 static_cast<double>(full_cost(cost, layers))));
  }
  const std::vector<double> full(3, 32);
  CHECK(expected_cost(CostKind::bops, layers, full, full).ratio == Approx(1));
}

TEST_CASE("the expected cost's derivatives are its finite differences") {
  const std::vector<double> w{4.3, 9.1, 3.3}, a{8.5, 2.2, 30.1};
  const double h = 1e-4;
  for (const CostKind kind : {CostKind::bops, CostKind::size}) {
    const ExpectedCost cost = expected_cost(kind, layers, w, a);
    for (std::size_t l = 0; l < layers.size(); ++l) {
      const auto moved = [&](std::vector<double> units, double by) {
        units[l] += by;
        return units;
      };
      const auto at = [&](const std::vector<double>& weights, const std::vector<double>& inputs) {
        return expected_cost(kind, layers, weights, inputs).ratio;
      };
      CHECK(cost.by_weight[l] == Approx((at(moved(w, h), a) - at(moved(w, -h), a)) / (2 * h)).margin(1e-12));
      CHECK(cost.by_input[l] == Approx((at(w, moved(a, h)) - at(w, moved(a, -h))) / (2 * h)).margin(1e-12));
    }
  }
}

TEST_CASE("budgets are what they say") {
  CHECK(budget("w4a8", CostKind::bops) == 600 * 32);
  for (const bool per_channel : {false, true}) {  // every method's uniform scheme is within it, lsq+ just so
    const Cost cost{CostKind::size, per_channel};
    const std::int64_t most = budget("w4a8", cost);
    CHECK(most == scheme_cost(cost, layers, parse_uniform("uniform:lsq+:w4a8", layers)));
    for (const auto& row : Methods::rows)
      if (has_codes(row))
        CHECK(scheme_cost(cost, layers,
                          parse_uniform("uniform:" + std::string(row.name) + ":w4a8", layers)) <= most);
  }
  CHECK(budget("w5a7", CostKind::bops) == 600 * 35);  // need not be a scheme of the candidates
  CHECK(budget("w32a32", CostKind::bops) == full_cost(CostKind::bops, layers));
  CHECK(budget("3.125%", CostKind::bops) == 600 * 32);
  CHECK(budget("0.03125", CostKind::bops) == 600 * 32);
  CHECK(budget("2%", CostKind::bops) == 12288);
  CHECK(budget("0.02", CostKind::bops) == 12288);
  CHECK(budget("25%", CostKind::size) == 600 * 8);
  CHECK(budget("4.5bits", CostKind::size) == 2700);
  CHECK(budget("4.3333bits", CostKind::size) == 2599);  // never more than asked
  CHECK(budget("0.0005MB", CostKind::size) == 4000);    // 500 bytes
}

TEST_CASE("a budget that no scheme can spend says how far the candidates reach") {
  const auto reach = [](const std::string& text, CostKind kind, const std::vector<Candidate>& set) {
    return parse_budget(text, kind, layers, set, set).reach;
  };
  const auto narrow = parse_candidates({"lsq+:4", "pact:8"});
  CHECK(reach("w8a7", CostKind::bops, narrow).empty());
  CHECK(contains(reach("w8a8", CostKind::bops, narrow), "from 1.5625% to 6.25%"));
  CHECK(contains(reach("10bits", CostKind::size, narrow), "to 26.5% = 8.48bits"));
  CHECK(contains(reach("1.5MB", CostKind::size, candidates), "32.32bits"));  // two numbers for each input
  CHECK(budget("1.5MB", CostKind::size) == largest_cost(CostKind::size, layers));
}

TEST_CASE("budgets that cannot be met or understood are refused") {
  CHECK(contains(refusal("w2a2", CostKind::bops), "1.5625%"));  // what w4a4, the cheapest, costs
  CHECK(contains(refusal("w2a2", CostKind::bops), "100%"));
  CHECK(contains(refusal("1%", CostKind::bops), "below what the cheapest"));
  CHECK(contains(refusal("3bits", CostKind::size), "4.18667bits"));  // 4 with padding, 3 scales, no input
  CHECK(contains(refusal("4.1bits", CostKind::size), "scales and offsets included"));
  CHECK(contains(refusal("0.0001MB", CostKind::size), "0.000314MB"));
  CHECK(contains(refusal("4.5bits", CostKind::bops), "cost=size"));
  CHECK(contains(refusal("1.5MB", CostKind::bops), "cost=size"));
  CHECK(contains(refusal("1%", CostKind::bops), "search.budget = 1%"));
  for (const auto* const text : {"", "cheap", "w4", "w4a", "w4a8b", "a8w4", "w1a8", "w4a20", "-2%", "0", "2",
                                 "120%", "40bits", "2 %", "3GB", "nan", "inf"})
    for (const CostKind kind : {CostKind::bops, CostKind::size}) {
      CAPTURE(text);
      CHECK(refusal(text, kind) != "accepted");
    }
}
