#include "train/memory.hpp"

#include <cmath>

#include "catch.hpp"
#include "model/layout.hpp"

using namespace bitdarts;

TEST_CASE("the estimate counts every parameter of a model") {
  for (const bool tied : {true, false}) {
    const model::ModelShape shape{.vocab = 300,
                                  .dim = 16,
                                  .layers = 3,
                                  .heads = 4,
                                  .kv_heads = 2,
                                  .ffn = 48,
                                  .context = 8,
                                  .rope_theta = 1e4,
                                  .norm_eps = 1e-5,
                                  .tied_embeddings = tied};
    const auto total = static_cast<double>(model::make_layout(shape).total);
    CHECK(train::least_memory(shape, {.copies = 1}) == 4 * total);
    CHECK(train::least_memory(shape, {.copies = 6}) == 24 * total);
    // Of 5 sequences of 8 tokens, what the backward pass of 3 blocks waits for.
    CHECK(train::least_memory(shape, {.copies = 1, .sequences = 5}) ==
          4 * (total + 5 * 8 * 3 * (4 * 16 + 2 * 48)));
    CHECK(train::least_memory(shape, {.copies = 1, .sequences = 5, .backward = false}) ==
          4 * (total + 5 * 8 * (4 * 16 + 2 * 48)));
  }
}

TEST_CASE("sizes that no machine has are numbers too") {
  const std::int64_t most = 1 << 24;
  const model::ModelShape shape{.vocab = most,
                                .dim = most,
                                .layers = 4096,
                                .heads = 1,
                                .kv_heads = 1,
                                .ffn = most,
                                .context = most,
                                .rope_theta = 1e4,
                                .norm_eps = 1e-5,
                                .tied_embeddings = false};
  const double least = train::least_memory(shape, train::training_memory(1 << 30, 1));
  CHECK(std::isfinite(least));
  CHECK(least > 1e19);
}
