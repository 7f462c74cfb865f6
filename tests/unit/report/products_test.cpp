#include "products/products.hpp"

#include "catch.hpp"
#include "support.hpp"
#include "synthetic.hpp"

using namespace bitdarts;
using namespace bitdarts::products;
namespace fs = std::filesystem;

namespace {

void write_finetuned(const fs::path& path, const std::vector<store::InputRecord>& inputs,
                     const std::string& scheme) {
  store::publish(path, synthetic::provenance("finetune", inputs), [&](store::File& file) {
    file.set_attribute("/finetune", "scheme", scheme);
    file.set_attribute("/model", "of", path.string());
  });
}

/// A search of the pipeline's own, one of a strategy, a scheme of each, and the best of the two.
struct Run {
  ScratchDirectory scratch;
  fs::path run = scratch.path(), own = run / "baselines" / "searched", fisher = run / "baselines" / "fisher";

  Run() {
    synthetic::write_tokens(run / "tokens.h5");
    synthetic::write_pretrained(run / "pretrained.h5", run / "tokens.h5");
    synthetic::write_searched(run / "searched.h5", run);
    synthetic::write_searched(fisher / "searched.h5", run, {.blocks = 1});
    write_finetuned(own / "finetuned.h5", {synthetic::input("searched", run / "searched.h5")}, "searched");
    write_finetuned(fisher / "finetuned.h5", {synthetic::input("searched", fisher / "searched.h5")},
                    "fisher");
    write_finetuned(run / "finetuned.h5",
                    {synthetic::input("finetuned-searched", own / "finetuned.h5"),
                     synthetic::input("finetuned-fisher", fisher / "finetuned.h5")},
                    "best");
  }
  std::vector<std::string> problems() const { return load_products(run, run).problems; }
};

}  // namespace

TEST_CASE("a strategy's search lies among the baselines, and is none of another run") {
  const Run run;
  const Products products = load_products(run.run, run.run);
  CHECK(products.problems.empty());
  REQUIRE(products.baselines.size() == 2);
  CHECK(products.baselines[0].searched);
  CHECK_FALSE(products.baselines[1].searched);
  std::string names;
  for (const auto& [name, product] : products.all()) names += name + ", ";
  CHECK(contains(names, "baselines/fisher: searched, baselines/fisher: finetuned, "));
}

TEST_CASE(
    "a scheme is told from the search that it is not of, and the best from what it was not chosen from") {
  const Run run;
  SECTION("of a strategy") {
    synthetic::write_searched(run.fisher / "searched.h5", run.run, {.blocks = 3});
    const auto problems = run.problems();
    REQUIRE(problems.size() == 1);
    CHECK(contains(problems[0], "fisher/finetuned.h5 was made from another searched.h5 than"));
    CHECK(contains(problems[0], "fisher/searched.h5"));
  }
  SECTION("of the pipeline") {
    synthetic::write_searched(run.run / "searched.h5", run.run, {.blocks = 3});
    const auto problems = run.problems();
    REQUIRE(problems.size() == 1);
    CHECK(contains(problems[0], "searched/finetuned.h5 was made from another searched.h5 than"));
  }
  SECTION("the best") {
    write_finetuned(run.own / "finetuned.h5", {synthetic::input("searched", run.run / "searched.h5")},
                    "other");
    const auto problems = run.problems();
    REQUIRE(problems.size() == 1);
    CHECK(contains(problems[0],
                   (run.run / "finetuned.h5").string() + " was made from another finetuned.h5 than"));
    CHECK(contains(problems[0], "searched/finetuned.h5"));
  }
}
