// L_err as a Fisher error: what the engine gives against autograd, in every kind of pass.
#include "catch.hpp"
#include "ste_network.hpp"
#include "tiny_model.hpp"
#include "train/engine.hpp"

using namespace bitdarts;

namespace {

const std::vector<std::string> names{"lsq+:3", "pact:4", "uniform:3", "fp32"};
constexpr std::int64_t sequences = 4;
constexpr double temperature = 0.6, error_weight = 0.9, clip_decay = 0.02;

struct Bench {
  comm::Communicator self{MPI_COMM_SELF};
  model::ModelShape shape;
  model::ParameterLayout layout;
  std::vector<double> parameters;
  data::TokenPart part = tiny::counting_part(200, 1);
  data::Sampler sampler;
  train::Engine<double> engine;

  explicit Bench(std::int64_t shards, int head = 0)  // head: none, on its own matrix, on the embedding
      : shape(tiny::shape(2, head != 1)),
        layout(model::make_layout(shape, head > 0)),
        parameters(tiny::parameters(layout)),
        sampler(part, shape.context, 5, Stream::pretrain_batch),
        engine(self, shards, shape, layout, "cpu") {}

  quant::Bank bank(bool per_channel, bool shared) {
    auto bank = quant::make_search_bank(
        layout.linears, quant::parse_candidates(names), quant::parse_candidates(names),
        {.per_channel = per_channel, .tie_shared_input = shared, .context = shape.context});
    engine.calibrate(parameters, bank, sampler, 4);
    KeyedRandom random(8, Stream::initialisation);
    for (auto& alpha : bank.alpha) alpha = random.normal();
    for (auto& theta : bank.theta) theta *= 0.8 + 0.3 * random.uniform();  // so that more is clipped
    quant::update_probabilities(bank, temperature);
    return bank;
  }
  train::Gradient<double> gradient(quant::Bank& bank, train::Objective objective = {}) {
    objective.error_measure = quant::ErrorMeasure::fisher;
    objective.clip_decay = clip_decay, objective.temperature = temperature;
    return engine.gradient(parameters, &bank, {sampler, 3, sequences}, objective);
  }
};

std::vector<double> recorded(const at::Tensor& leaf) {
  const at::Tensor gradient = leaf.grad().contiguous();
  return {gradient.data_ptr<double>(), gradient.data_ptr<double>() + gradient.numel()};
}

}  // namespace

TEST_CASE("L_err in nats, every candidate's error and all gradients are autograd's") {
  for (const auto& [shards, per_channel, shared, head] : {std::tuple{1, false, false, 0},
                                                          {1, true, true, 2},
                                                          {2, false, true, 0},
                                                          {2, true, false, 1},
                                                          {4, false, false, 2},
                                                          {4, true, true, 0}}) {
    CAPTURE(shards, per_channel, shared, head);
    Bench bench(shards, head);
    auto bank = bench.bank(per_channel, shared);
    const auto found = bench.gradient(bank, {.error_multiplier = error_weight});

    ste::Network network(bench.shape, bench.layout, bench.parameters, bank, temperature);
    at::Tensor inputs = at::empty({sequences, bench.shape.context}, at::kLong),
               targets = at::empty_like(inputs);
    const auto size = static_cast<std::size_t>(inputs.numel());
    bench.sampler.fill(3, 0, sequences, {inputs.data_ptr<std::int64_t>(), size},
                       {targets.data_ptr<std::int64_t>(), size});
    const auto errors = network.fisher_errors(inputs, targets, shards);
    const at::Tensor error = network.fisher_error(errors);
    (network.cross_entropy(inputs, targets) + error_weight * error).backward();

    REQUIRE(found.candidate_errors.size() == bank.sites.size());
    for (std::size_t i = 0; i < bank.sites.size(); ++i) {
      const at::Tensor expected = errors[i].detach().contiguous();
      CHECK(tiny::relative_difference(found.candidate_errors[i],
                                      {expected.data_ptr<double>(), names.size()}) < 1e-9);
      CHECK(found.candidate_errors[i].back() == 0);  // fp32
    }
    CHECK(found.error == Approx(error.item<double>()).epsilon(1e-10));
    CHECK(tiny::relative_difference(found.weights, recorded(network.weights)) < 1e-10);
    CHECK(tiny::relative_difference(found.alpha, recorded(network.alpha)) < 1e-9);
    CHECK(tiny::relative_difference(found.theta, network.theta_gradient(clip_decay)) < 1e-9);
  }
}

TEST_CASE("the gradient of alpha is made of the candidates' errors and slopes") {
  Bench bench(2);
  auto bank = bench.bank(false, false);
  const auto found = bench.gradient(bank, {.error_multiplier = error_weight});
  for (std::size_t i = 0; i < bank.sites.size(); ++i) {
    const auto p = bank.probabilities(bank.sites[i]);
    std::vector<double> slopes(p.size(), 0.0);  // <G, Q_j(x)>
    double slope = 0, error = 0;
    for (std::size_t j = 0; j < p.size(); ++j) {
      for (const auto& channel : found.sums[i]) slopes[j] += channel.candidates[j].gradient_quantized;
      slope += p[j] * slopes[j];
      error += p[j] * found.candidate_errors[i][j];
    }
    for (std::size_t j = 0; j < p.size(); ++j) {
      const double value = slopes[j] - slope + error_weight * (found.candidate_errors[i][j] - error);
      CHECK(found.alpha[bank.sites[i].alpha + j] ==
            Approx(p[j] / temperature * value).epsilon(1e-9).margin(1e-12));
    }
  }
}

TEST_CASE("the measure of the error changes nothing but the error") {
  Bench bench(2);
  auto bank = bench.bank(true, true);
  const auto fisher = bench.gradient(bank);
  const std::vector<double> weights(fisher.weights.begin(), fisher.weights.end());
  const auto plain = bench.engine.gradient(bench.parameters, &bank, {bench.sampler, 3, sequences},
                                           {.clip_decay = clip_decay, .temperature = temperature});
  CHECK(fisher.loss == plain.loss);
  CHECK((weights == std::vector<double>(plain.weights.begin(), plain.weights.end())));
  CHECK((fisher.alpha == plain.alpha));  // λ_err = 0
  CHECK((fisher.theta == plain.theta));
  CHECK(fisher.error != plain.error);
}

TEST_CASE("a pass for the architecture alone has the errors of one for everything, one for weights none") {
  Bench bench(4, 2);
  auto bank = bench.bank(true, false);
  const auto all = bench.gradient(bank, {.error_multiplier = 1});
  const auto alone = bench.gradient(bank, {.error_multiplier = 1, .wanted = train::Wanted::architecture});
  CHECK(alone.error == all.error);
  CHECK((alone.alpha == all.alpha));
  CHECK((alone.theta == all.theta));
  CHECK((alone.candidate_errors == all.candidate_errors));
  const auto weights = bench.gradient(bank, {.error_multiplier = 1, .wanted = train::Wanted::weights});
  CHECK(weights.candidate_errors.empty());
}

TEST_CASE("the inputs' errors do not depend on the shards") {
  Bench one(1), four(4);
  auto bank = one.bank(false, true);
  const auto expected = one.gradient(bank), found = four.gradient(bank);
  for (std::size_t i = 0; i < bank.sites.size(); ++i)
    if (bank.sites[i].role == quant::Role::input)
      CHECK(tiny::relative_difference(found.candidate_errors[i], expected.candidate_errors[i]) < 1e-12);
}
