#include "evaluate/reference.hpp"

#include "catch.hpp"
#include "core/error.hpp"
#include "evaluate/measure.hpp"
#include "evaluate/rounds.hpp"
#include "scratch_directory.hpp"
#include "stored_states.hpp"
#include "tiny_model.hpp"

using namespace bitdarts;
using namespace bitdarts::evaluate;
using namespace evaluate_test;

TEST_CASE("stored states are those of the network where something is scored, and so are their logits") {
  const ScratchDirectory scratch;
  for (const bool tied : {true, false}) {
    const TinyModel tiny(false, tied);
    Network network(tiny.shape, tiny.layout, tiny.parameters, nullptr, "cpu");
    const auto tokens = random_tokens(101, tiny.shape.vocab);
    const std::int64_t context = tiny.shape.context;
    for (const std::int64_t stride : {8, 5, 1}) {
      const auto windows = plan_windows(101, context, stride);
      const auto states = stored_states(scratch / "a.h5", network, tokens, windows, context, 3);
      for (std::size_t first = 0; first < windows.size(); first += 3) {
        const auto part = std::span(windows).subspan(first, std::min<std::size_t>(3, windows.size() - first));
        const at::Tensor expected = network.hidden(token_batch(tokens, part, context, 0)),
                         found = states.read(part, context);
        REQUIRE(found.sizes() == expected.sizes());
        const at::Tensor logits = network.logits_of(expected), same = network.logits_of(found);
        for (std::size_t i = 0; i < part.size(); ++i) {
          CHECK(
              same_bits(scored_rows(found, part[i], i, context), scored_rows(expected, part[i], i, context)));
          CHECK(same_bits(scored_rows(same, part[i], i, context), scored_rows(logits, part[i], i, context)));
        }
      }
    }
  }
}

TEST_CASE("states of another text or model are refused") {
  const ScratchDirectory scratch;
  const TinyModel tiny;
  Network network(tiny.shape, tiny.layout, tiny.parameters, nullptr, "cpu");
  const auto windows = plan_windows(51, tiny.shape.context, 8);
  stored_states(scratch / "a.h5", network, random_tokens(51, tiny.shape.vocab), windows, tiny.shape.context,
                4);
  const auto open = [&](std::int64_t tokens, std::int64_t dim) {
    return StoredStates(store::File::open(scratch / "a.h5"), tokens, dim);
  };
  CHECK_NOTHROW(open(50, tiny.shape.dim));
  CHECK_THROWS_AS(open(51, tiny.shape.dim), InputError);
  CHECK_THROWS_AS(open(50, tiny.shape.dim + 1), InputError);
}

TEST_CASE("the likelihood of one model alone is the one that two are compared by") {
  const at::Tensor a = at::tensor(normal_values(700 * 5, 1)).view({700, 5});
  const at::Tensor b = at::tensor(normal_values(700 * 5, 2)).view({700, 5});
  const at::Tensor targets = at::arange(700, at::kLong).remainder(5);
  CHECK(negative_log_likelihood(b, targets) == score(a, b, targets).reference_nll);
  CHECK(negative_log_likelihood(a, targets) == score(a, b, targets).nll);
}
