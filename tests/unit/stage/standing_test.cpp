#include "stage/standing.hpp"

#include <unistd.h>

#include <fstream>

#include "catch.hpp"
#include "core/error.hpp"
#include "stage/descriptions.hpp"

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
  return stage::describe_finetune(config, "in", stage::scheme_text(config.finetune));
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
  CHECK(names_of(stage::describe_pretrain(config, "in")) == Names{"tokens"});
  CHECK(names_of(stage::describe_search("in")) == Names{"tokens", "pretrained"});
  CHECK(names_of(finetune_of(config)) == Names{"tokens", "pretrained", "searched"});
  CHECK(names_of(stage::describe_reference("in")) == Names{"tokens", "pretrained"});
  const stage::Description evaluate = stage::describe_evaluate("in", "out");
  CHECK(names_of(evaluate) == Names{"tokens", "pretrained", "finetuned"});
  CHECK(evaluate.inputs[0].path == fs::path("in/tokens.h5"));
  CHECK(evaluate.inputs[2].path == fs::path("out/finetuned.h5"));

  config.pretrain.initial = "elsewhere/pretrained.h5";
  CHECK(names_of(stage::describe_pretrain(config, "in")) == Names{"tokens", "pretrained"});
  config.finetune.scheme = "uniform:lsq+:w4a8";
  CHECK(names_of(finetune_of(config)) == Names{"tokens", "pretrained"});
  config.finetune.from = "searched";
  CHECK(names_of(finetune_of(config)) == Names{"tokens", "pretrained", "searched"});
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
