#include "train/search_tokens.hpp"

#include "catch.hpp"
#include "config/config.hpp"
#include "scratch_directory.hpp"
#include "store/product.hpp"

using namespace bitdarts;

namespace {

// A search of 70 steps, whatever its configuration says: of several budgets, or one that settled.
std::optional<std::int64_t> counted(const std::string& strategy, const std::string& weights,
                                    const std::string& configuration = {}) {
  const ScratchDirectory scratch;
  const auto path = scratch.path() / "searched.h5";
  config::Config config;
  config.search.steps = 500;
  config.search.batch = 16;
  config.search.weights = weights;
  store::Provenance provenance;
  provenance.stage = "search";
  provenance.schema_version = 1;
  provenance.configuration = configuration.empty() ? config::to_ini(config) : configuration;
  store::publish(path, provenance, [&](store::File& file) {
    file.set_attribute("/search", "steps", std::int64_t{70});
    if (!strategy.empty()) file.set_attribute("/search", "strategy", strategy);
  });
  return train::search_tokens(store::File::open(path), 32);
}

}  // namespace

TEST_CASE("the tokens of a search are those of the steps it took with trained weights") {
  CHECK(counted("darts", "trained") == 70 * 16 * 32);
  CHECK(counted("", "trained") == 70 * 16 * 32);  // of the time before strategies
  CHECK(counted("darts", "frozen") == 0);
  CHECK(counted("sensitivity", "trained") == 0);
  CHECK_FALSE(counted("darts", "trained", "[search]\nno_such_option = 1\n"));
}
