#include "stage/standing.hpp"

#include <unistd.h>

#include <fstream>

#include "catch.hpp"
#include "core/error.hpp"
#include "stage/descriptions.hpp"
#include "stage/stage.hpp"

using namespace bitdarts;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

std::vector<std::string> names_of(const stage::Description& description) {
  std::vector<std::string> names;
  for (const stage::Input& input : description.inputs) names.push_back(input.name);
  return names;
}
using Names = std::vector<std::string>;

stage::Description finetune_of(const config::Config& config) {
  return stage::describe("finetune", config, "in", "out");
}

}  // namespace

// Another value here makes every product there is out of date.
TEST_CASE("keys are what they always were") {
  const stage::Description description{.name = "search",
                                       .schema_version = 2,
                                       .product = "anything.h5",
                                       .sections = {},
                                       .inputs = {},
                                       .extra_key = {"one", "two"}};
  CHECK(stage::key_of({}, description, {{"tokens", "any/where.h5", "0123"}}) ==
        "bd9386cbae7dc8792a6dce10bbdbd651");
}

TEST_CASE("stages take what they need from where it lies") {
  config::Config config;
  CHECK(names_of(stage::describe_tokenize({"fact"})).empty());
  CHECK(names_of(stage::describe("pretrain", config, "in", "out")) == Names{"tokens"});
  CHECK(names_of(stage::describe("search", config, "in", "out")) == Names{"tokens", "pretrained"});
  CHECK(names_of(finetune_of(config)) == Names{"tokens", "pretrained", "searched"});
  CHECK(names_of(stage::describe("reference", config, "in", "out")) == Names{"tokens", "pretrained"});
  const stage::Description evaluate = stage::describe("evaluate", config, "in", "out");
  CHECK(names_of(evaluate) == Names{"tokens", "pretrained", "finetuned"});
  CHECK(evaluate.inputs[0].path == fs::path("in/tokens.h5"));
  CHECK(evaluate.inputs[2].path == fs::path("out/finetuned.h5"));

  config.pretrain.initial = "elsewhere/pretrained.h5";
  CHECK(names_of(stage::describe("pretrain", config, "in", "out")) == Names{"tokens", "pretrained"});
  config.finetune.scheme = "uniform:lsq+:w4a8";
  CHECK(names_of(finetune_of(config)) == Names{"tokens", "pretrained"});
  config.finetune.from = "searched";
  CHECK(names_of(finetune_of(config)) == Names{"tokens", "pretrained", "searched"});
}

TEST_CASE("every stage of the table can be described, with its own inputs where these lie") {
  config::Config defaults;
  for (const chain::Stage& stage : chain::stages()) {
    if (stage.product.empty()) continue;
    CAPTURE(stage.name);
    const auto description = stage::describe(stage.name, defaults, "in", "out");
    CHECK(description.name == stage.name);
    CHECK(description.product == chain::file_of(stage));
    CHECK(description.schema_version == stage.schema_version);
    CHECK(description.sections == stage.sections);
    CHECK(names_of(description) == stage.inputs);  // with the default options
    for (const stage::Input& input : description.inputs) {
      const chain::Stage& maker = chain::maker_of(input.name);
      const bool beside = maker.times == chain::Stage::Times::per_scheme;
      CHECK(input.path == fs::path(beside ? "out" : "in") / chain::file_of(maker));
      CHECK(input.schema_version == maker.schema_version);
    }
  }
}

TEST_CASE("a scheme that was found comes from the search that found it") {
  config::Config config;
  config.search.budget = {"w4a8", "5%"};
  const auto searched_of = [&](const std::string& scheme) {
    config.finetune.scheme = scheme;
    const auto description = finetune_of(config);
    REQUIRE(names_of(description) == Names{"tokens", "pretrained", "searched"});
    return description.inputs[2].path;
  };
  CHECK(searched_of("searched:5%") == fs::path("in/searched.h5"));
  CHECK(searched_of("sensitivity") == fs::path("in/baselines/sensitivity/searched.h5"));
  CHECK(searched_of("sensitivity:5%") == searched_of("sensitivity"));  // one search for all budgets
  CHECK(searched_of("random:2:5%") == fs::path("in/baselines/random_2/searched.h5"));
  CHECK(searched_of("random") == fs::path("in/baselines/random_1/searched.h5"));
}

TEST_CASE("a found scheme without a budget is another one where another budget comes first") {
  config::Config config;
  const auto key_of = [&](const std::string& scheme, const std::vector<std::string>& budgets) {
    config.finetune.scheme = scheme;
    config.search.budget = budgets;
    return finetune_of(config).extra_key;
  };
  for (const std::string scheme : {"searched", "sensitivity"})
    CHECK(key_of(scheme, {"w4a8", "5%"}) != key_of(scheme, {"5%", "w4a8"}));
  for (const std::string scheme : {"searched:5%", "uniform:lsq+:w4a8"})
    CHECK(key_of(scheme, {"w4a8", "5%"}) == key_of(scheme, {"5%", "w4a8"}));
}

TEST_CASE("the best scheme follows what it is chosen from") {
  config::Config config;
  config.search.budget = {"w4a8", "5%"};
  config.finetune.scheme = "best";
  config.finetune.from = "searched";  // is the others' affair
  config.report.baselines = {"fisher", "uniform:lsq+:w4a8"};
  const auto description = finetune_of(config);
  CHECK(names_of(description) == Names{"tokens", "pretrained", "finetuned-searched", "finetuned-fisher",
                                       "finetuned-uniform_lsqplus_w4a8"});
  CHECK(description.inputs[2].path == fs::path("in/baselines/searched/finetuned.h5"));
  CHECK(chain::maker_of("finetuned-fisher").name == "finetune");
  const auto key = [&] {
    const auto now = finetune_of(config);
    std::vector<store::InputRecord> records;
    for (const auto& input : now.inputs) records.push_back({input.name, input.path.string(), "hash"});
    return stage::key_of(config, now, records);
  };
  const std::string before = key();
  config.search.budget = {"w8a8", "w4a8", "5%"};  // others may be within it
  CHECK(key() != before);
  config.search.budget = {"w4a8", "5%"};
  CHECK(key() == before);
  config.report.baselines.pop_back();
  CHECK(key() != before);
}

TEST_CASE("a scheme file stands for its text, wherever it lies") {
  const fs::path folder = fs::temp_directory_path() / ("bitdarts-standing-test-" + std::to_string(getpid()));
  fs::create_directories(folder);
  config::Config config;
  const auto key = [&](const std::string& name, const std::string& text) {
    std::ofstream(folder / name) << text;
    config.finetune.scheme = (folder / name).string();
    return finetune_of(config).extra_key;
  };
  const auto before = key("a.txt", "* lsq+:4 pact:8\n");
  CHECK(key("b.txt", "* lsq+:4 pact:8\n") == before);
  CHECK(key("a.txt", "* lsq+:4 pact:4\n") != before);
  config.finetune.scheme = (folder / "none.txt").string();
  CHECK_THROWS_AS(finetune_of(config), ConfigError);
  fs::remove_all(folder);
}

TEST_CASE("a product that is not there is missing") {
  CHECK(stage::standing_of("no/such/file.h5", "search", "key").kind == stage::Standing::Kind::missing);
}
