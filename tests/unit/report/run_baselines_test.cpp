#include "products/run_baselines.hpp"

#include "catch.hpp"
#include "report/comparison.hpp"
#include "report/page.hpp"
#include "report/verdict.hpp"
#include "support.hpp"
#include "synthetic.hpp"

using namespace bitdarts;
using namespace bitdarts::products;
using namespace bitdarts::report;
namespace fs = std::filesystem;

namespace {

/// A run with an uniform baseline, and what earlier runs left: another uniform one, the scheme of a budget,
/// one of a strategy with its search.
struct Run {
  ScratchDirectory scratch;
  fs::path run = scratch.path(), baselines = run / "baselines";

  Run() {
    synthetic::write_run(run, {"searched", 20.7, 0.0233}, {});
    add("uniform_lsqplus_w4a6", "uniform:lsq+:w4a6", 20.9);
    add("uniform_lsqplus_w4a4", "uniform:lsq+:w4a4", 20.1);
    add("searched_w4a4", "searched:w4a4", 21.5);
    add("sensitivity", "sensitivity", 20.2);
    synthetic::write_searched(baselines / "sensitivity/searched.h5", run, {.blocks = 1});
  }
  void add(const std::string& folder, const std::string& scheme, double perplexity,
           void (*change)(config::Config&) = nullptr) {
    synthetic::write_finetuned(baselines / folder / "finetuned.h5", run, scheme, {}, 30, 1e-4, change);
    synthetic::write_evaluation(baselines / folder, run, {scheme, perplexity, 0.0233});
  }
  Products with(const config::Config& config) const { return load_products(run, run, &config); }
};

config::Config given(const std::vector<std::string>& baselines) {
  config::Config config;
  config.data.text = {"text.txt"};
  config.report.baselines = baselines;
  return config;
}

std::string folders(const Products& products) {
  std::string names;
  for (const Baseline& baseline : products.baselines) names += baseline.folder + " ";
  return names;
}

}  // namespace

TEST_CASE("a report takes the baselines of its run alone, and names the others once") {
  const Run run;
  const Products products = run.with(given({"uniform:lsq+:w4a6"}));
  CHECK(folders(products) == "uniform_lsqplus_w4a6 ");
  CHECK(left_in_words(products) ==
        "below baselines/, left from earlier runs, not shown: searched_w4a4, sensitivity, "
        "uniform_lsqplus_w4a4 (name them in report.baselines to see them)");
  const Comparison c = compare(products);
  REQUIRE(c.contests.size() == 1);
  CHECK(c.contests[0].verdict == Contest::Verdict::wins);
  CHECK(contains(report_page(products, c, "run"), "left from earlier runs, not shown: searched_w4a4"));
  SECTION("without a word where nothing was left") {
    const Products all =
        run.with(given({"uniform:lsq+:w4a6", "uniform:lsq+:w4a4", "searched:w4a4", "sensitivity"}));
    CHECK(all.baselines.size() == 4);
    CHECK(left_in_words(all).empty());
  }
}

TEST_CASE("of what an earlier run left nothing is wrong with this one") {
  const Run run;
  synthetic::write_searched(run.run / "searched.h5", run.run, {.blocks = 3});
  damage(run.baselines / "uniform_lsqplus_w4a4/finetuned.h5");
  for (const std::string& problem : run.with(given({"uniform:lsq+:w4a6"})).problems)
    CHECK(!contains(problem, "baselines"));
  CHECK(contains(run.with(given({"uniform:lsq+:w4a4"})).problems.at(0), "w4a4/finetuned.h5 is left out"));
}

TEST_CASE(
    "the search of a strategy is of the run where one of its schemes is, and its first scheme need not be") {
  const Run run;
  const Products products = run.with(given({"sensitivity:w4a4"}));
  REQUIRE(folders(products) == "sensitivity ");
  CHECK(products.baselines[0].searched);
  CHECK_FALSE(products.baselines[0].finetuned);
  CHECK_FALSE(products.baselines[0].evaluation);
  CHECK(contains(left_in_words(products), "sensitivity"));
}

TEST_CASE("a report of a folder without a configuration takes that of the run's products") {
  Run run;
  // Where the products name no baseline, as the synthetic ones do, there is none.
  CHECK(folders(run.with({})).empty());
  SECTION("of the newest one, be it a baseline that came later") {
    run.add("uniform_lsqplus_w4a6", "uniform:lsq+:w4a6", 20.9, [](config::Config& c) {
      c.finetune.scheme = "uniform:lsq+:w4a6";
      c.report.baselines = {"uniform:lsq+:w4a6", "sensitivity"};
    });
    CHECK(folders(run.with({})) == "sensitivity uniform_lsqplus_w4a6 ");
  }
}

TEST_CASE("where no configuration can be read, schemes of searches that are gone are left out") {
  const Run run;
  const auto unreadable = [&](const fs::path& path, const std::string& stage) {
    auto facts = store::read_provenance(store::File::open(path));
    facts.configuration = "[search]\nno_such_option = 1\n";
    const fs::path copy = path.string() + ".new";
    store::publish(copy, facts,
                   [&](store::File& file) { store::copy_content(store::File::open(path), file); });
    fs::rename(copy, path);
    CHECK(store::verify(path).whole);
    CHECK(facts.stage == stage);
  };
  synthetic::write_searched(run.run / "searched.h5", run.run, {.blocks = 3});
  for (const auto& entry : fs::recursive_directory_iterator(run.run)) {
    const std::string name = entry.path().filename().string();
    if (name == "searched.h5") unreadable(entry.path(), "search");
    if (name == "finetuned.h5") unreadable(entry.path(), "finetune");
    if (name == "evaluation.h5") unreadable(entry.path(), "evaluate");
  }
  const Products products = run.with({});
  CHECK(folders(products) == "sensitivity uniform_lsqplus_w4a4 uniform_lsqplus_w4a6 ");
  CHECK(contains(left_in_words(products), "not shown: searched_w4a4 ("));
}
