// What every row of the table of methods (quant/methods) must keep, whichever it is.
#include <set>

#include "catch.hpp"
#include "core/error.hpp"
#include "inputs.hpp"
#include "quant/bank.hpp"
#include "quant/initialise.hpp"
#include "quant/methods/table.hpp"
#include "quant/packing.hpp"

using namespace quant_test;

namespace {

std::vector<Candidate> widths_of(const MethodTraits& row) {
  std::vector<Candidate> candidates;
  for (const auto& candidate : all_candidates())
    if (candidate.method == row.method) candidates.push_back(candidate);
  return candidates;
}

Bank bank_of(const Candidate& candidate) {
  return make_scheme_bank({{"layer", 4, 8}}, {{{"layer", candidate, candidate}}}, {});
}

}  // namespace

TEST_CASE("names and letters tell all methods apart") {
  std::set<std::string> names;
  std::set<char> letters;
  for (const auto& row : Methods::rows) {
    names.insert(row.name);
    letters.insert(row.letter);
  }
  CHECK(names.size() == Methods::rows.size());
  CHECK(letters.size() == Methods::rows.size());
}

TEST_CASE("a candidate is read back from its text") {
  for (const auto& row : Methods::rows)
    for (const auto& candidate : widths_of(row)) CHECK(parse_candidate(to_string(candidate)) == candidate);
}

TEST_CASE("a number that is no method has no row") {
  CHECK_THROWS_AS(traits(static_cast<Method>(Methods::rows.size())), Error);
}

TEMPLATE_TEST_CASE("the arithmetic of every method is its formula, value and slopes", "", float, double) {
  for (const auto& row : Methods::rows)
    for (const auto& candidate : widths_of(row)) {
      CAPTURE(to_string(candidate));
      const auto bound = bind<TestType>(candidate, usual_range(candidate), row.input_offset ? 0.37 : 0.0, 1);
      for (const TestType x : mixed_values<TestType>({bound}, 300)) {
        CAPTURE(x);
        const TestType one = 1;
        TestType mixed = 0, dx = 0;
        MixedSums sums;
        mixed_backward<TestType>({&x, 1}, {&one, 1}, {&bound, 1}, {&dx, 1}, {&mixed, 1}, sums);
        const auto expected = with_method(row.method, [&]<class M>() { return M::point(x, bound); });
        REQUIRE(mixed == expected.value);
        REQUIRE(static_cast<double>(dx) == expected.by_x);
        const auto& sum = sums.candidates[0];
        REQUIRE(sum.gradient_range == Approx(expected.by_range).margin(1e-30));
        REQUIRE(sum.gradient_offset == expected.by_offset);
      }
    }
}

TEST_CASE("every method starts with a positive range and, on weights, without offset") {
  const auto values = normal_values<float>(3000, 8);
  const std::vector<float> zeros(100, 0.0f), constant(100, 2.5f), infinite{1, INFINITY};
  for (const auto& row : Methods::rows)
    for (const auto& candidate : widths_of(row)) {
      CAPTURE(to_string(candidate));
      for (const auto& some : {values, zeros, constant}) {
        const Start weight = start_for_weights(some, candidate), input = start_for_inputs(some, candidate);
        CHECK(weight.range > 0);
        CHECK(input.range > 0);
        CHECK(weight.offset == 0);
        if (!row.input_offset) CHECK(input.offset == 0);
      }
      CHECK_THROWS_AS(start_for_weights(infinite, candidate), Error);
      CHECK_THROWS_AS(start_for_inputs(infinite, candidate), Error);
    }
}

TEST_CASE("what a method trains is what has gradients") {
  for (const auto& row : Methods::rows) {
    const Candidate candidate = widths_of(row).front();
    CAPTURE(to_string(candidate));
    const Bank bank = bank_of(candidate);
    const auto trained = trained_theta(bank);
    for (const auto& site : bank.sites) {
      MixedSums sums;
      sums.candidates = {{1, 1, 1, 1, 1, 1}};
      std::vector<double> alpha(bank.alpha.size()), theta(bank.theta.size());
      add_site_gradients(bank, site, {&sums, 1}, {}, alpha, theta);
      for (const std::size_t at : {site.range_at(0, 0), site.offset}) CHECK((theta[at] != 0) == trained[at]);
    }
  }
}

TEST_CASE("codes stand for the values, to the bit") {
  const auto xs = normal_values<float>(300, 9);
  for (const auto& row : Methods::rows)
    for (const auto& candidate : widths_of(row)) {
      CAPTURE(to_string(candidate));
      const auto bound = bind<float>(candidate, usual_range(candidate), 0, 1);
      if (!has_codes(row)) {
        CHECK_THROWS_AS(codes_of(xs, bound), Error);
        continue;
      }
      std::vector<float> mixed(xs.size()), values(xs.size());
      mixed_forward<float>(xs, {&bound, 1}, mixed);
      dequantize(codes_of(xs, bound), bound, values);
      CHECK(values == mixed);
    }
}
