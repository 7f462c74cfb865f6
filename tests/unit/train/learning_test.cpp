#include <limits>

#include "catch.hpp"
#include "core/error.hpp"
#include "genesis.hpp"
#include "quant/bank.hpp"
#include "scratch_directory.hpp"
#include "tiny_model.hpp"
#include "train/weights.hpp"

using namespace bitdarts;
using Catch::Matchers::Contains;

namespace {

constexpr std::int64_t sequences = 8;

// What pretraining does in a step, on bytes of Genesis.
struct Pretraining {
  comm::Communicator self{MPI_COMM_SELF};
  data::Corpus corpus = genesis::corpus(800);
  model::ModelShape shape{.vocab = corpus.vocab_size,
                          .dim = 32,
                          .layers = 2,
                          .heads = 4,
                          .kv_heads = 2,
                          .ffn = 64,
                          .context = 24,
                          .rope_theta = 1e4,
                          .norm_eps = 1e-5,
                          .tied_embeddings = true};
  model::ParameterLayout layout = model::make_layout(shape);
  train::Engine<float> engine{self, 2, shape, layout, "cpu"};
  train::Weights<float> weights{layout, model::initial_parameters(shape, layout, 1)};
  data::Sampler sampler{corpus.train, shape.context, 1, Stream::pretrain_batch};
  train::Validation validation{corpus, shape.context, 1, 50, 4, sequences, 1000};

  double step(std::int64_t step, quant::Bank* bank = nullptr) {
    auto gradient = engine.gradient(weights.values(), bank, {sampler, step, sequences}, {});
    weights.update(gradient.weights, step,
                   {.learning_rate = train::warmup_cosine(step, 200, 10, 1e-2, 0.1),
                    .beta1 = 0.9,
                    .beta2 = 0.95,
                    .epsilon = 1e-8,
                    .weight_decay = 0.1},
                   1.0);
    return gradient.loss;
  }
  std::vector<float> values() const { return {weights.values().begin(), weights.values().end()}; }
};

}  // namespace

TEST_CASE("training brings the loss below the unigram entropy, on text it has not seen as well") {
  Pretraining training;
  const double unigram = data::unigram_entropy(training.corpus.train, training.corpus.vocab_size);
  REQUIRE(unigram > 2.5);  // nats; English has about 2.9
  const double start = training.validation.loss(training.engine, training.weights.values(), nullptr);
  CHECK(start ==
        Approx(std::log(static_cast<double>(training.corpus.vocab_size))).epsilon(0.02));  // knows nothing
  double last = 0;
  for (std::int64_t step = 0; step < 200; ++step) {
    const double loss = training.step(step);
    if (step >= 190) last += loss / 10;
  }
  CHECK(last < 0.7 * unigram);  // far below what single letters tell: it reads the context
  CHECK(training.validation.loss(training.engine, training.weights.values(), nullptr) < 0.85 * unigram);
}

TEST_CASE("training through quantizers learns too") {
  Pretraining training;
  auto bank = quant::make_scheme_bank(
      training.layout.linears, quant::parse_uniform("uniform:lsq+:w2a3", training.layout.linears),
      {.per_channel = false, .tie_shared_input = true, .context = training.shape.context});
  training.engine.calibrate(training.weights.values(), bank, training.sampler, 8);
  const double unigram = data::unigram_entropy(training.corpus.train, training.corpus.vocab_size);
  for (std::int64_t step = 0; step < 120; ++step) training.step(step, &bank);
  const double trained = training.validation.loss(training.engine, training.weights.values(), &bank);
  CHECK(trained < unigram);
  // The weights are made for their quantizers: without them, the same network knows less.
  const double without = training.validation.loss(training.engine, training.weights.values(), nullptr);
  CHECK(trained < without - 0.05);
}

TEST_CASE("a training that was saved and loaded goes on to the last bit") {
  const ScratchDirectory scratch;
  const auto path = scratch / "state.h5";
  Pretraining whole, first, second;
  std::vector<double> losses;
  for (std::int64_t step = 0; step < 6; ++step) losses.push_back(whole.step(step));
  for (std::int64_t step = 0; step < 3; ++step)
    CHECK(first.step(step) == losses[static_cast<std::size_t>(step)]);
  auto file = store::File::create(path);
  first.weights.save_state(file);
  file.close();
  second.weights.load_state(store::File::open(path));
  for (std::int64_t step = 3; step < 6; ++step)
    CHECK(second.step(step) == losses[static_cast<std::size_t>(step)]);
  CHECK((second.values() == whole.values()));
  CHECK((second.values() != first.values()));
}

TEST_CASE("weight decay pulls at matrices and leaves norms alone") {
  const auto shape = tiny::shape();
  const auto layout = model::make_layout(shape);
  const auto before = tiny::parameters(layout);
  train::Weights<double> weights(layout, before);
  std::vector<double> gradient(layout.total, 0.0);
  weights.update(gradient, 0, {.learning_rate = 0.1, .weight_decay = 0.5}, 1);
  for (const auto& p : layout.parameters)
    for (std::size_t i = p.begin; i < p.begin + p.size; ++i)
      REQUIRE(weights.values()[i] == Approx(p.matrix ? before[i] * 0.95 : before[i]).epsilon(1e-14));
}

TEST_CASE("a gradient that is not finite stops training and names step and tensor") {
  const auto shape = tiny::shape();
  const auto layout = model::make_layout(shape);
  const auto before = tiny::parameters(layout);
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    train::Weights<double> weights(layout, before);
    std::vector<double> gradient(layout.total, 0.1);
    gradient[layout.named("model.layers.1.mlp.up_proj.weight").begin + 3] = bad;
    CHECK_THROWS_WITH(weights.update(gradient, 17, {}, 1), Contains("is not a finite number at step 17"));
    std::vector<double> again(layout.total, 0.1);
    again[layout.named("model.layers.1.mlp.up_proj.weight").begin + 3] = bad;
    CHECK_THROWS_WITH(weights.update(again, 17, {}, 0),
                      Contains("step 17") && Contains("model.layers.1.mlp.up_proj.weight"));
    CHECK((std::vector<double>(weights.values().begin(), weights.values().end()) == before));  // untouched
  }
}

TEST_CASE("an infinite gradient is blamed on its own tensor when clipping is on") {
  const auto shape = tiny::shape();
  const auto layout = model::make_layout(shape);
  train::Weights<double> weights(layout, tiny::parameters(layout));
  std::vector<double> gradient(layout.total, 0.1);
  gradient[layout.named("model.norm.weight").begin] = INFINITY;
  CHECK_THROWS_WITH(weights.update(gradient, 2, {}, 1), Contains("model.norm.weight"));
}

TEST_CASE("a virtual update is clipped as the update is") {
  const auto shape = tiny::shape();
  const auto layout = model::make_layout(shape);
  train::Weights<double> weights(layout, tiny::parameters(layout));
  const train::AdamOptions options{.learning_rate = 0.1, .weight_decay = 0.5};
  std::vector<double> moved(layout.total), jacobian(layout.total), open(layout.total);
  for (std::int64_t step = 0; step < 3; ++step) {
    KeyedRandom random(4, Stream::gumbel, static_cast<std::uint64_t>(step));
    std::vector<double> gradient(layout.total);
    for (auto& g : gradient) g = random.normal();
    auto again = gradient, clipped = gradient;
    const double length = train::clip_norm<double>(clipped, 0.5);
    weights.virtual_update(gradient, options, 0.5, moved, jacobian);
    std::vector<double> unused(layout.total);
    weights.virtual_update(clipped, options, 0, unused, open);
    for (std::size_t i = 0; i < layout.total; ++i)
      REQUIRE(jacobian[i] == Approx(open[i] * 0.5 / length).epsilon(1e-12));
    weights.update(again, step, options, 0.5);
    CHECK((std::vector<double>(weights.values().begin(), weights.values().end()) == moved));
  }
}

TEST_CASE("validation is due every so often and at the end, and always looks at the same batches") {
  const auto corpus = genesis::corpus(800);
  const train::Validation every(corpus, 24, 1, 50, 4, sequences, 120),
      at_the_end(corpus, 24, 1, 0, 4, sequences, 120);
  for (std::int64_t done = 1; done <= 120; ++done) {
    CHECK(every.due(done) == (done == 50 || done == 100 || done == 120));
    CHECK(at_the_end.due(done) == (done == 120));
  }
  Pretraining training;
  const double loss = training.validation.loss(training.engine, training.weights.values(), nullptr);
  CHECK(training.validation.loss(training.engine, training.weights.values(), nullptr) == loss);
  // The mean over batches of the search part, written out.
  const data::Sampler sampler(training.corpus.search, training.shape.context, 1, Stream::validation_batch);
  double expected = 0;
  for (std::int64_t b = 0; b < 4; ++b)
    expected += training.engine.loss(training.weights.values(), nullptr, {sampler, b, sequences}) / 4;
  CHECK(loss == Approx(expected).epsilon(1e-14));
}
