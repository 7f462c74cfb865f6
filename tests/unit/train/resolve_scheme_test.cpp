#include "train/resolve_scheme.hpp"

#include "catch.hpp"
#include "core/error.hpp"
#include "quant/bank_file.hpp"
#include "scratch_directory.hpp"

using namespace bitdarts;
using Catch::Matchers::Contains;

namespace {

const std::vector<quant::LayerShape> layers{{"model.layers.0.self_attn.q_proj", 4, 4}, {"lm_head", 8, 4}};

quant::Scheme all(const std::string& candidates) {
  return quant::parse_uniform("uniform:" + candidates, layers);
}

/// A search of three budgets, as the stage writes it; without `several` as one of a single budget may be.
std::filesystem::path write_search(const ScratchDirectory& scratch, const std::string& strategy,
                                   bool several = true) {
  const auto path = scratch.path() / "searched.h5";
  auto file = store::File::create(path);
  file.set_attribute("/search", "budget", std::string("w3a3"));
  if (several) file.set_attribute("/search", "budgets", std::string("w3a3 w4a4 5%"));
  if (!strategy.empty()) file.set_attribute("/search", "strategy", strategy);
  quant::save_scheme(file, all("lsq+:w3a3"), layers);
  const std::vector<std::string> budgets{"w3a3", "w4a4", "5%"},
      schemes{"lsq+:w3a3", "pact:w4a4", "uniform:w8a8"};
  for (std::size_t i = 0; several && i < budgets.size(); ++i) {
    const std::string group = "/schemes/" + std::to_string(i);
    file.write_text(group + "/table", quant::to_table(all(schemes[i])));
    file.set_attribute(group, "budget", budgets[i]);
  }
  file.close();
  return path;
}

train::ResolvedScheme resolved(const std::string& word, const std::filesystem::path& searched,
                               const std::vector<std::string>& budgets = {}) {
  config::FinetuneOptions options;
  options.scheme = word;
  return train::resolve_scheme(options, layers, word, &searched, budgets);
}

template <class Work>
std::string refusal(Work&& work) {
  try {
    work();
  } catch (const InputError& error) {
    return error.what();
  }
  return "no input error";
}

}  // namespace

TEST_CASE("a search has a scheme for each of its budgets") {
  const ScratchDirectory scratch;
  const auto searched = write_search(scratch, "darts");
  const auto first = resolved("searched", searched);
  CHECK(first.scheme == all("lsq+:w3a3"));
  CHECK(first.strategy == "darts");
  CHECK(first.budget == "w3a3");
  CHECK(resolved("searched:w3a3", searched).scheme == first.scheme);
  const auto third = resolved("searched:5%", searched);
  CHECK(third.scheme == all("uniform:w8a8"));
  CHECK(third.budget == "5%");
  CHECK_THAT(refusal([&] { resolved("searched:w8a8", searched); }),
             Contains("no scheme for the budget w8a8") && Contains("search.budget"));
}

TEST_CASE("a strategy's scheme is of a search by that strategy") {
  const ScratchDirectory scratch;
  const auto searched = write_search(scratch, "random:2");
  const auto found = resolved("random:2:w4a4", searched);
  CHECK(found.scheme == all("pact:w4a4"));
  CHECK(found.strategy == "random:2");
  CHECK(found.budget == "w4a4");
  CHECK_THAT(refusal([&] { resolved("random:3", searched); }),
             Contains("random:2") && Contains("search.strategy=random:3"));
}

TEST_CASE("a search without several budgets has its one scheme") {
  const ScratchDirectory scratch;
  const auto searched = write_search(scratch, "", false);
  CHECK(resolved("searched", searched).scheme == all("lsq+:w3a3"));
  CHECK(resolved("searched", searched).strategy == "darts");
  CHECK(resolved("searched:w3a3", searched).scheme == all("lsq+:w3a3"));
  CHECK_THAT(refusal([&] { resolved("searched:w4a4", searched); }), Contains("no scheme for the budget"));
}

TEST_CASE("the first budget is that of the configuration, wherever the search has it") {
  const ScratchDirectory scratch;
  for (const std::string strategy : {"darts", "random:2"}) {
    const auto searched = write_search(scratch, strategy);
    const std::string word = strategy == "darts" ? "searched" : strategy;
    const auto found = resolved(word, searched, {"5%", "w3a3"});
    CHECK(found.scheme == all("uniform:w8a8"));
    CHECK(found.budget == "5%");
    CHECK(resolved(word + ":w4a4", searched, {"5%", "w3a3"}).budget == "w4a4");
    CHECK(resolved(word, searched).budget == "w3a3");
    CHECK_THAT(refusal([&] { resolved(word, searched, {"w2a4"}); }),
               Contains("no scheme for the budget w2a4, but for w3a3 w4a4 5%"));
    std::filesystem::remove(searched);
  }
}

TEST_CASE("a scheme by hand needs no search") {
  config::FinetuneOptions options;
  options.scheme = "uniform:pact:w4a8";
  auto found = train::resolve_scheme(options, layers, options.scheme, nullptr);
  CHECK(found.scheme == all("pact:w4a8"));
  CHECK(found.strategy == "hand");
  CHECK(found.budget.empty());
  options.scheme = "a file.txt";
  found = train::resolve_scheme(options, layers, "* lsq+:4 pact:8\n", nullptr);
  CHECK(found.scheme.entries[1].input == quant::parse_candidate("pact:8", "test"));
  CHECK(found.strategy == "hand");
}
