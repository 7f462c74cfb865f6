#include "train/engine.hpp"
#include "train/device.hpp"

#include "catch.hpp"
#include "core/error.hpp"
#include "model/functions.hpp"
#include "quant/initialise.hpp"
#include "ste_network.hpp"
#include "tiny_model.hpp"

using namespace bitdarts;

namespace {

const std::vector<std::string> all{"lsq+:4",  "lsq+:8",    "lsq+:16",   "pact:4",     "pact:8",
                                   "pact:16", "uniform:4", "uniform:8", "uniform:16", "fp32"};
constexpr std::int64_t sequences = 4;

// A tiny network with its engine, on the communicator of this process alone.
struct Bench {
  comm::Communicator self{MPI_COMM_SELF};
  model::ModelShape shape;
  model::ParameterLayout layout;
  std::vector<double> parameters;
  data::TokenPart part = tiny::counting_part(200, 1);
  data::Sampler sampler;
  train::Engine<double> engine;

  explicit Bench(bool tied = true, bool head = false, std::int64_t shards = 2)
      : shape(tiny::shape(2, tied)),
        layout(model::make_layout(shape, head)),
        parameters(tiny::parameters(layout)),
        sampler(part, shape.context, 5, Stream::pretrain_batch),
        engine(self, shards, shape, layout, "cpu") {}

  train::Batch batch(std::int64_t step = 3) const { return {sampler, step, sequences}; }
  std::pair<at::Tensor, at::Tensor> tokens(std::int64_t step = 3) const {
    at::Tensor inputs = at::empty({sequences, shape.context}, at::kLong), targets = at::empty_like(inputs);
    const auto size = static_cast<std::size_t>(inputs.numel());
    sampler.fill(step, 0, sequences, {inputs.data_ptr<std::int64_t>(), size},
                 {targets.data_ptr<std::int64_t>(), size});
    return {inputs, targets};
  }
};

// A bank that starts from calibration, with unequal probabilities.
quant::Bank bank_for(Bench& bench, const quant::BankOptions& options) {
  auto bank = quant::make_search_bank(bench.layout.linears, quant::parse_candidates(all),
                                      quant::parse_candidates(all), options);
  bench.engine.calibrate(bench.parameters, bank, bench.sampler, 4);
  KeyedRandom random(8, Stream::initialisation);
  for (auto& alpha : bank.alpha) alpha = random.normal();
  for (auto& theta : bank.theta) theta *= 0.8 + 0.3 * random.uniform();  // so that more is clipped
  return bank;
}

std::vector<double> recorded(const at::Tensor& leaf) {
  const at::Tensor gradient = leaf.grad().contiguous();
  return {gradient.data_ptr<double>(), gradient.data_ptr<double>() + gradient.numel()};
}

}  // namespace

TEST_CASE("the gradient of every weight is that of finite differences, in full precision") {
  for (const bool tied : {true, false})
    for (const bool head : {false, true}) {
      CAPTURE(tied, head);
      Bench bench(tied, head);
      const auto result = bench.engine.gradient(bench.parameters, nullptr, bench.batch(), {});
      const std::vector<double> gradient(result.weights.begin(), result.weights.end());
      CHECK(result.loss ==
            Approx(bench.engine.loss(bench.parameters, nullptr, bench.batch())).epsilon(1e-14));
      const std::size_t stride = head ? 7 : 1;  // every weight once, some again
      for (std::size_t i = 0; i < bench.parameters.size(); i += stride) {
        const double expected = tiny::slope(bench.parameters[i], 2e-4, [&] {
          return bench.engine.loss(bench.parameters, nullptr, bench.batch());
        });
        REQUIRE(gradient[i] == Approx(expected).epsilon(1e-6).margin(1e-9));
      }
    }
}

TEST_CASE(
    "loss, L_err and all gradients of the mixed network are autograd's through straight-through quantizers") {
  constexpr double temperature = 0.6, error_weight = 0.9, clip_decay = 0.02;
  for (const bool per_channel : {false, true})
    for (const bool shared : {false, true})
      for (const int head : {0, 1, 2}) {  // none, on its own matrix, on the embedding
        CAPTURE(per_channel, shared, head);
        Bench bench(head != 1, head > 0);
        auto bank = bank_for(
            bench, {.per_channel = per_channel, .tie_shared_input = shared, .context = bench.shape.context});
        quant::update_probabilities(bank, temperature);
        const auto found = bench.engine.gradient(
            bench.parameters, &bank, bench.batch(),
            {.error_multiplier = error_weight, .clip_decay = clip_decay, .temperature = temperature});

        ste::Network network(bench.shape, bench.layout, bench.parameters, bank, temperature);
        const auto [inputs, targets] = bench.tokens();
        const at::Tensor task = network.cross_entropy(inputs, targets), error = network.error();
        (task + error_weight * error).backward();
        CHECK(found.loss == Approx(task.item<double>()).epsilon(1e-12));
        CHECK(found.error == Approx(error.item<double>()).epsilon(1e-10));
        CHECK(tiny::relative_difference(found.weights, recorded(network.weights)) < 1e-10);
        CHECK(tiny::relative_difference(found.alpha, recorded(network.alpha)) < 1e-10);
        const auto theta = network.theta_gradient(clip_decay);
        CHECK(tiny::relative_difference(found.theta, theta) < 1e-10);
        for (std::size_t i = 0; i < theta.size(); ++i)
          REQUIRE(found.theta[i] == Approx(theta[i]).epsilon(1e-7).margin(1e-9));
      }
}

TEST_CASE("a bank of one candidate, as in finetuning, has the gradients of autograd too") {
  Bench bench;
  for (const std::string scheme : {"uniform:lsq+:w3a3", "uniform:pact:w4a32", "uniform:uniform:w32a4"}) {
    CAPTURE(scheme);
    auto bank = quant::make_scheme_bank(
        bench.layout.linears, quant::parse_uniform(scheme, bench.layout.linears),
        {.per_channel = false, .tie_shared_input = true, .context = bench.shape.context});
    bench.engine.calibrate(bench.parameters, bank, bench.sampler, 4);
    const auto found = bench.engine.gradient(bench.parameters, &bank, bench.batch(), {});
    ste::Network network(bench.shape, bench.layout, bench.parameters, bank, 1);
    const auto [inputs, targets] = bench.tokens();
    const at::Tensor task = network.cross_entropy(inputs, targets);
    task.backward();
    CHECK(found.loss == Approx(task.item<double>()).epsilon(1e-12));
    CHECK(tiny::relative_difference(found.weights, recorded(network.weights)) < 1e-10);
    const auto theta = network.theta.grad().defined() ? network.theta_gradient(0)
                                                      : std::vector<double>(bank.theta.size(), 0.0);
    for (std::size_t i = 0; i < theta.size(); ++i)
      REQUIRE(found.theta[i] == Approx(theta[i]).epsilon(1e-7).margin(1e-9));
    for (const double a : found.alpha) CHECK(a == Approx(0).margin(1e-12));  // nothing to choose
  }
}

TEST_CASE("however a batch is cut into shards, the numbers are the same but for rounding") {
  Bench one(true, false, 1);
  auto bank = bank_for(one, {.per_channel = false, .tie_shared_input = true, .context = 5});
  quant::update_probabilities(bank, 1);
  const train::Objective objective{.error_multiplier = 1, .clip_decay = 0, .temperature = 1};
  const auto expected = one.engine.gradient(one.parameters, &bank, one.batch(), objective);
  for (const std::int64_t shards : {2, 4}) {
    Bench many(true, false, shards);
    const auto found = many.engine.gradient(many.parameters, &bank, many.batch(), objective);
    CHECK(found.loss == Approx(expected.loss).epsilon(1e-14));
    CHECK(found.error == Approx(expected.error).epsilon(1e-12));
    CHECK(tiny::relative_difference(found.weights, expected.weights) < 1e-12);
    CHECK(tiny::relative_difference(found.alpha, expected.alpha) < 1e-12);
    CHECK(tiny::relative_difference(found.theta, expected.theta) < 1e-12);
    for (std::size_t i = 0; i < bank.sites.size(); ++i) {
      if (bank.sites[i].role == quant::Role::weight) continue;
      CHECK(found.sums[i][0].maximum == expected.sums[i][0].maximum);  // over all shards
      CHECK(found.sums[i][0].count == expected.sums[i][0].count);
    }
  }
}

TEST_CASE("single precision agrees with double as far as it can") {
  Bench bench;
  auto bank =
      quant::make_search_bank(bench.layout.linears, quant::parse_candidates({"pact:3", "fp32"}), {{}}, {});
  bench.engine.calibrate(bench.parameters, bank, bench.sampler, 4);
  const auto expected = bench.engine.gradient(bench.parameters, &bank, bench.batch(), {});
  train::Engine<float> narrow(bench.self, 2, bench.shape, bench.layout, "cpu");
  auto narrow_bank = bank;
  const auto found = narrow.gradient(tiny::narrowed(bench.parameters), &narrow_bank, bench.batch(), {});
  CHECK(found.loss == Approx(expected.loss).epsilon(1e-5));
  CHECK(tiny::relative_difference(std::vector<double>(found.weights.begin(), found.weights.end()),
                                  expected.weights) < 1e-4);
}

TEST_CASE("two passes over the same batch give the same bits") {
  Bench bench;
  auto bank = bank_for(bench, {.per_channel = true, .tie_shared_input = false, .context = 5});
  const auto pass = [&] {
    const auto g = bench.engine.gradient(bench.parameters, &bank, bench.batch(), {});
    return std::tuple(g.loss, std::vector<double>(g.weights.begin(), g.weights.end()), g.alpha, g.theta);
  };
  const auto first = pass();
  bench.engine.gradient(bench.parameters, nullptr, bench.batch(7), {});  // leaves nothing behind
  CHECK((pass() == first));
}

TEST_CASE("calibration starts inputs from what arrives in full precision, and weights from the weights") {
  Bench bench;
  auto bank = quant::make_search_bank(bench.layout.linears, quant::parse_candidates(all),
                                      quant::parse_candidates(all),
                                      {.per_channel = true, .tie_shared_input = false, .context = 5});
  bench.engine.calibrate(bench.parameters, bank, bench.sampler, sequences);
  // What the first block's q, k and v read can be written down: the norm of the embeddings of the tokens.
  const auto [inputs, targets] = bench.tokens(0);
  const auto parameter = [&](const std::string& name) {
    const auto& p = bench.layout.named(name);
    return at::from_blob(bench.parameters.data() + p.begin, p.shape, ste::precise);
  };
  const at::Tensor x =
      model::reference::rms_norm(at::embedding(parameter("model.embed_tokens.weight"), inputs.view({-1})),
                                 parameter("model.layers.0.input_layernorm.weight"), bench.shape.norm_eps)
          .to(at::kFloat)
          .contiguous();
  const std::span<const float> values(x.data_ptr<float>(), static_cast<std::size_t>(x.numel()));
  for (const std::size_t layer : {0, 1, 2}) {
    const auto& site = bank.sites[bank.input_site[layer]];
    for (std::size_t j = 0; j < site.candidates.size(); ++j) {
      const auto start = quant::start_for_inputs(values, site.candidates[j]);
      CHECK(bank.theta[site.range_at(j, 0)] == Approx(start.range).epsilon(1e-5));
      CHECK(bank.theta[site.offset + j] == Approx(start.offset).epsilon(1e-4).margin(1e-5));
    }
  }
  const auto& site = bank.sites[bank.weight_site[1]];
  const auto& k = bench.layout.named("model.layers.0.self_attn.k_proj.weight");
  const std::vector<float> row(bench.parameters.begin() + static_cast<std::ptrdiff_t>(k.begin) + 4,
                               bench.parameters.begin() + static_cast<std::ptrdiff_t>(k.begin) + 8);
  for (std::size_t j = 0; j < site.candidates.size(); ++j)
    CHECK(bank.theta[site.range_at(j, 1)] ==
          Approx(quant::start_for_weights(row, site.candidates[j]).range).epsilon(1e-6));
}

TEST_CASE("calibration sees as many sequences as it is asked for") {
  Bench bench;
  const auto largest_seen = [&](std::int64_t count) {
    auto bank =
        quant::make_search_bank(bench.layout.linears, {{}}, quant::parse_candidates({"uniform:8"}), {});
    bench.engine.calibrate(bench.parameters, bank, bench.sampler, count);
    return bank.theta[bank.sites[bank.input_site.back()].range];
  };
  double previous = 0;
  bool grew = false;
  for (const std::int64_t count : {1, 8, 9, 40}) {
    const double now = largest_seen(count);
    CHECK(now >= previous);  // a maximum over more
    grew = grew || (previous > 0 && now > previous);
    previous = now;
  }
  CHECK(grew);
}

TEST_CASE("a calibration of more sequences than a sample holds hears the last of them") {
  // 32768 values of a site in a pass of eight sequences: four passes fill a sample of 2^17.
  const model::ModelShape shape{
      .vocab = 11, .dim = 64, .layers = 1, .heads = 2, .kv_heads = 1, .ffn = 64, .context = 64};
  const auto layout = model::make_layout(shape);
  const auto parameters = tiny::narrowed(tiny::parameters(layout));
  const auto part = tiny::counting_part(20'000, 1);
  const data::Sampler sampler(part, shape.context, 5, Stream::pretrain_batch);
  const comm::Communicator self(MPI_COMM_SELF);
  train::Engine<float> engine(self, 1, shape, layout, "cpu");
  const auto starts = [&](std::int64_t sequences) {
    auto bank = quant::make_search_bank(layout.linears, {{}}, quant::parse_candidates({"lsq+:4"}), {});
    engine.calibrate(parameters, bank, sampler, sequences);
    return bank.theta;
  };
  CHECK(starts(40) != starts(64));
}

TEST_CASE("an unknown device is no silent fallback") {
  config::RunOptions run;
  run.device = "auto";
  const std::string device = train::prepare_device(run, Console(false));
  CHECK((device == "cpu" || device == "cuda"));
  run.device = "cuda";
  if (device == "cpu") CHECK_THROWS_AS(train::prepare_device(run, Console(false)), ConfigError);
  run.device = "cpu";
  CHECK(train::prepare_device(run, Console(false)) == "cpu");
}

TEST_CASE("a loss that is no number is traced to the weight, the quantizer or the layer that it comes from") {
  Bench bench;
  auto bank = bank_for(bench, {});
  const auto place = [&](const quant::Bank* with) {
    return bench.engine.locate_not_finite(bench.parameters, with, bench.batch());
  };
  CHECK(place(nullptr) == "the quantizers (without them the loss is finite)");
  const auto first_of = [&](const std::string& name) { return bench.layout.named(name).begin; };
  SECTION("a weight") {
    bench.parameters[first_of("model.layers.1.mlp.up_proj.weight") + 2] = NAN;
    CHECK(place(&bank) == "model.layers.1.mlp.up_proj.weight, element 2");
  }
  SECTION("a quantizer") {
    const auto& site = bank.sites[bank.input_site[3]];
    bank.theta[site.range] = INFINITY;
    CHECK(place(&bank) == "input quantizer of " + site.name);
  }
  SECTION("an activation that overflows") {
    for (const std::string name : {"gate_proj", "up_proj"}) {
      const auto& p = bench.layout.named("model.layers.1.mlp." + name + ".weight");
      std::fill_n(bench.parameters.begin() + static_cast<std::ptrdiff_t>(p.begin), p.size, 1e200);
    }
    CHECK(place(nullptr) == "the input of model.layers.1.mlp.down_proj");
  }
}
