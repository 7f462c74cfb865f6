#include "chain/stages.hpp"

#include <set>

#include "catch.hpp"
#include "chain/places.hpp"
#include "core/error.hpp"

using namespace bitdarts;
using Times = chain::Stage::Times;

TEST_CASE("every stage takes what earlier ones make, and no two are alike") {
  std::set<std::string> names, products;
  for (const chain::Stage& stage : chain::stages()) {
    CAPTURE(stage.name);
    for (const std::string& input : stage.inputs) CHECK(products.contains(input));
    CHECK(names.insert(stage.name).second);
    CHECK(stage.product.empty() == (stage.times == Times::page));
    CHECK(stage.spares.empty() == (stage.times != Times::spare));
    CHECK_FALSE(stage.purpose.empty());
    CHECK_FALSE(stage.sections.empty());
    CHECK(&chain::stage_called(stage.name) == &stage);
    CHECK(&chain::stages()[chain::position_of(stage.name)] == &stage);
    if (stage.product.empty()) {
      CHECK_THROWS_AS(chain::file_of(stage), Error);
      continue;
    }
    CHECK(products.insert(stage.product).second);
    CHECK(&chain::maker_of(stage.product) == &stage);
    CHECK(&chain::maker_of(stage.product + "-some_scheme") == &stage);
    CHECK(chain::file_of(stage) == stage.product + ".h5");
  }
  for (const chain::Stage& stage : chain::stages())
    if (!stage.spares.empty()) CHECK(names.contains(stage.spares));
}

TEST_CASE("products know their makers, and names that are none are errors") {
  CHECK(chain::program_of(chain::maker_of("pretrained")) == "bitdarts-pretrain");
  CHECK(chain::maker_of("evaluation").name == "evaluate");
  CHECK_THROWS_AS(chain::maker_of("nonsense"), Error);
  CHECK_THROWS_AS(chain::stage_called("serach"), Error);
  CHECK(chain::find_stage("serach") == nullptr);
  const auto steps = chain::names_of_steps();
  CHECK(steps.front() == "tokenize");
  CHECK(steps.back() == "report");
  CHECK(std::find(steps.begin(), steps.end(), "reference") == steps.end());  // it is no step of its own
}

TEST_CASE("a baseline's place has its name, and only such places have one") {
  const auto place = chain::baseline_place("results/x", "uniform_lsqplus_w4a8");
  CHECK(place == "results/x/baselines/uniform_lsqplus_w4a8");
  CHECK(chain::baseline_with(place / "finetuned.h5") == "uniform_lsqplus_w4a8");
  CHECK_FALSE(chain::baseline_with("results/x/searched.h5"));
  CHECK_FALSE(chain::baseline_with("searched.h5"));
  CHECK_FALSE(chain::baseline_with("baselines/searched.h5"));
}
