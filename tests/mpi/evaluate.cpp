// The same scores are asked for with 1, 2 and 4 ranks: those of one process that does all the work.
#include <array>
#include <cstring>

#include "catch.hpp"
#include "core/error.hpp"
#include "evaluate/measure.hpp"
#include "evaluate/packed.hpp"
#include "scratch_directory.hpp"
#include "train/engine.hpp"
#include "unit/evaluate/stored_states.hpp"
#include "unit/evaluate/tiny_model.hpp"

using namespace bitdarts;
using namespace bitdarts::evaluate;
using namespace evaluate_test;

namespace {

struct Setting {
  TinyModel tiny;
  quant::Bank bank = started_bank(tiny, mixed_scheme(tiny.layout.linears), true);
  EffectiveWeights fake = fake_quantized(tiny.layout, tiny.parameters, bank);
  Network trained{tiny.shape, tiny.layout, fake, &bank, "cpu"};
  Network packed{tiny.shape, tiny.layout,
                 unpack_weights(tiny.layout, tiny.parameters, pack(tiny.layout, tiny.parameters, bank)),
                 &bank, "cpu"};
  Network reference{tiny.shape, tiny.layout, tiny.parameters, nullptr, "cpu"};
  std::vector<std::int32_t> tokens = random_tokens(203, tiny.shape.vocab);

  Measurement measured(const comm::Communicator& world, std::int64_t stride, std::int64_t batch,
                       const Network* fake_network = nullptr) {
    Network& compared = fake_network ? const_cast<Network&>(*fake_network) : trained;
    const auto windows = plan_windows(static_cast<std::int64_t>(tokens.size()), tiny.shape.context, stride);
    return measure(world, tokens, windows, tiny.shape.context, batch, {packed, compared, reference});
  }
};

bool same_scores(const std::vector<WindowScore>& a, const std::vector<WindowScore>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(WindowScore)) == 0;
}

}  // namespace

TEST_CASE("scores do not depend on the ranks, to the last bit") {
  const comm::Communicator world, alone(MPI_COMM_SELF);
  Setting setting;
  for (const std::int64_t stride : {8, 5, 1}) {
    for (const std::int64_t batch : {1, 3, 16, 1000}) {  // the last: fewer batches than ranks
      const auto shared = setting.measured(world, stride, batch),
                 single = setting.measured(alone, stride, batch);
      INFO("stride " << stride << ", batch " << batch);
      CHECK(same_scores(shared.windows, single.windows));
      CHECK(shared.logits_equal);
      CHECK(shared.max_difference == 0);
      CHECK(shared.windows_compared == single.windows_compared);
      CHECK(
          shared.windows_compared ==
          std::min<std::int64_t>(compared_batches * batch, static_cast<std::int64_t>(single.windows.size())));
      CHECK(total(shared.windows).tokens == 202);
    }
  }
}

TEST_CASE("the full-precision model's states from a file change no bit, on any number of ranks") {
  const comm::Communicator world, alone(MPI_COMM_SELF);
  const ScratchDirectory scratch;
  Setting setting;
  const auto& tiny = setting.tiny;
  // Only its output head, which is the embedding, is that of the reference.
  std::vector<float> head_alone(tiny.parameters.size(), 1.0f);
  std::copy_n(tiny.parameters.begin(), tiny.shape.vocab * tiny.shape.dim, head_alone.begin());
  Network no_reference(tiny.shape, tiny.layout, {head_alone, {}}, nullptr, "cpu");
  for (const std::int64_t stride : {8, 5}) {
    for (const std::int64_t batch : {1, 3, 1000}) {
      const auto windows = plan_windows(203, tiny.shape.context, stride);
      const auto states = stored_states(scratch / "a.h5", setting.reference, setting.tokens, windows,
                                        tiny.shape.context, static_cast<std::size_t>(batch));
      const auto found = measure(world, setting.tokens, windows, tiny.shape.context, batch,
                                 {setting.packed, setting.trained, no_reference, &states});
      INFO("stride " << stride << ", batch " << batch);
      CHECK(same_scores(found.windows, setting.measured(alone, stride, batch).windows));
    }
  }
}

TEST_CASE("what is behind the end of a short window changes nothing") {
  const comm::Communicator world;
  Setting setting;
  const auto windows = plan_windows(203, setting.tiny.shape.context, 8);
  REQUIRE(windows.back().length == 2);
  const auto all = setting.measured(world, 8, 4);
  const std::vector<std::int32_t> last(setting.tokens.end() - 3, setting.tokens.end());
  const at::Tensor logits = setting.packed.logits(token_rows({last[0], last[1]}, 2));
  const WindowScore expected = score(logits, logits, at::tensor(std::vector<std::int64_t>{last[1], last[2]}));
  CHECK(all.windows.back().nll == Approx(expected.nll).epsilon(1e-6));
}

TEST_CASE("a packed model that differs on one rank's windows is noticed on every rank") {
  const comm::Communicator world;
  Setting setting;
  const auto result = setting.measured(world, 8, 1, &setting.reference);
  CHECK_FALSE(result.logits_equal);
  CHECK(result.max_difference > 0);
}

TEST_CASE("between batches every rank is asked the same number of times, and may stop") {
  const comm::Communicator world;
  Setting setting;
  const auto windows = plan_windows(203, setting.tiny.shape.context, 8);  // 26 windows
  const Models models{setting.packed, setting.trained, setting.reference};
  std::int64_t calls = 0, rounds = 0;
  measure(world, setting.tokens, windows, setting.tiny.shape.context, 3, models,
          [&](std::int64_t done, std::int64_t all, const WindowScore&) {
            ++calls;
            rounds = all;
            CHECK(done == calls);
          });
  CHECK(calls == rounds);
  CHECK(rounds == (9 + world.size() - 1) / world.size());
  CHECK_THROWS_AS(
      measure(world, setting.tokens, windows, setting.tiny.shape.context, 3, models,
              [](std::int64_t, std::int64_t, const WindowScore&) { throw Interrupted("enough"); }),
      Interrupted);
}

TEST_CASE("the evaluated network is the one that finetuning trains") {
  const comm::Communicator world;
  for (const bool quantize_head : {false, true}) {
    const TinyModel tiny(quantize_head);
    auto bank = started_bank(tiny, mixed_scheme(tiny.layout.linears), false);
    data::TokenPart part;
    part.ids = random_tokens(300, tiny.shape.vocab);
    const data::Sampler sampler(part, tiny.shape.context, 5, Stream::finetune_batch);
    train::Engine<float> engine(world, 4, tiny.shape, tiny.layout, "cpu");
    const double expected = engine.loss(tiny.parameters, &bank, {sampler, 0, 8});

    const auto fake = fake_quantized(tiny.layout, tiny.parameters, bank);
    Network network(tiny.shape, tiny.layout, fake, &bank, "cpu");
    std::vector<std::int64_t> inputs(8 * 8), targets(8 * 8);
    sampler.fill(0, 0, 8, inputs, targets);
    const at::Tensor logits = network.logits(at::tensor(inputs).view({8, 8}));
    const WindowScore s = score(logits, logits, at::tensor(targets));
    INFO("head quantized: " << quantize_head);
    CHECK(s.nll / 64 == Approx(expected).epsilon(1e-6));
  }
}
