// The engine and the search on 1, 2 and 4 ranks against the same work done by this process alone: the same
// bits.
#include "train/engine.hpp"

#include "catch.hpp"
#include "core/hash.hpp"
#include "search/bilevel.hpp"
#include "tiny_model.hpp"

using namespace bitdarts;

namespace {

constexpr std::int64_t shards = 4, sequences = 8;
const std::vector<std::string> names{"lsq+:4", "pact:8", "uniform:3", "fp32"};

struct Bench {
  model::ModelShape shape;
  model::ParameterLayout layout = model::make_layout(shape, true);
  std::vector<float> parameters = tiny::narrowed(tiny::parameters(layout));
  data::TokenPart outer_part = tiny::counting_part(300, 1), inner_part = tiny::counting_part(300, 2);
  data::Sampler outer{outer_part, shape.context, 5, Stream::outer_batch},
      inner{inner_part, shape.context, 5, Stream::inner_batch};
  train::Engine<float> engine;

  explicit Bench(const comm::Communicator& world, bool tied_embeddings = true)
      : shape(tiny::shape(2, tied_embeddings)), engine(world, shards, shape, layout, "cpu") {}

  quant::Bank bank(const quant::BankOptions& options) {
    auto bank = quant::make_search_bank(layout.linears, quant::parse_candidates(names),
                                        quant::parse_candidates(names), options);
    engine.calibrate(parameters, bank, inner, 6);
    return bank;
  }
};

// One digest for all that a pass gives.
std::string digest(const train::Gradient<float>& gradient) {
  Hasher hash;
  hash.values(std::span<const double>(&gradient.loss, 1)).values(std::span<const double>(&gradient.error, 1));
  hash.values(std::span<const float>(gradient.weights));
  hash.values(std::span<const double>(gradient.alpha)).values(std::span<const double>(gradient.theta));
  for (const auto& site : gradient.candidate_errors) hash.values(std::span<const double>(site));
  for (const auto& site : gradient.sums)
    for (const auto& sums : site) {
      const double whole[] = {sums.square, sums.maximum, sums.count};
      hash.values(std::span<const double>(whole))
          .values(std::span<const quant::CandidateSums>(sums.candidates));
    }
  return hash.hex();
}

std::vector<std::string> engine_digests(const comm::Communicator& world, bool tied_embeddings) {
  Bench bench(world, tied_embeddings);
  std::vector<std::string> digests;
  digests.push_back(
      digest(bench.engine.gradient(bench.parameters, nullptr, {bench.outer, 3, sequences}, {})));
  for (const bool per_channel : {false, true})
    for (const bool tied : {false, true}) {
      auto bank =
          bench.bank({.per_channel = per_channel, .tie_shared_input = tied, .context = bench.shape.context});
      digests.push_back(Hasher().values(std::span<const double>(bank.theta)).hex());
      for (const auto measure : {quant::ErrorMeasure::relative, quant::ErrorMeasure::fisher})
        digests.push_back(digest(bench.engine.gradient(
            bench.parameters, &bank, {bench.outer, 3, sequences},
            {.error_multiplier = 0.9, .clip_decay = 0.1, .temperature = 0.7, .error_measure = measure})));
      const double loss = bench.engine.loss(bench.parameters, &bank, {bench.outer, 4, sequences});
      digests.push_back(Hasher().values(std::span<const double>(&loss, 1)).hex());
    }
  return digests;
}

std::vector<std::string> search_digests(const comm::Communicator& world) {
  std::vector<std::string> digests;
  for (const std::string order : {"first", "second"})
    for (const std::string level : {"outer", "inner"}) {
      Bench bench(world);
      config::SearchOptions options;
      options.steps = 6, options.batch = sequences, options.warmup_steps = 1;
      options.order = order, options.quantizer_level = level;
      options.relaxation = level == "inner" ? "gumbel" : "softmax";
      const auto set = quant::parse_candidates(names);
      const auto budget = quant::parse_budget("w4a8", quant::CostKind::bops, bench.layout.linears, set, set);
      search::Bilevel<float> bilevel(
          options, 1e-4, 5, bench.engine, bench.layout, bench.parameters,
          bench.bank({.per_channel = true, .tie_shared_input = true, .context = bench.shape.context}),
          {budget}, {bench.outer, bench.inner});
      for (std::int64_t step = 0; step < options.steps; ++step) bilevel.step(step);
      Hasher hash;
      hash.values(bilevel.weights().values());
      hash.values(std::span<const double>(bilevel.bank().alpha))
          .values(std::span<const double>(bilevel.bank().theta));
      for (const auto& site : bilevel.values().front()) hash.values(std::span<const double>(site));
      for (const std::string column : {"outer_loss", "error", "cost", "lambda_cost", "lambda_error"}) {
        const auto values = bilevel.metrics().column("search", column);
        hash.values(std::span<const double>(values));
      }
      digests.push_back(hash.hex());
    }
  return digests;
}

}  // namespace

TEST_CASE(
    "losses, gradients and statistics have the bits of one process on any number of ranks, and on every "
    "rank") {
  const comm::Communicator world, alone(MPI_COMM_SELF);
  for (const bool tied_embeddings :
       {true, false}) {  // untied, no gradient reaches the quantized head's own leaf
    const auto found = engine_digests(world, tied_embeddings);
    std::string all;
    for (const auto& digest : found) all += digest;
    const bool same_everywhere = world.broadcast_text(all) == all;
    CHECK(found == engine_digests(alone, tied_embeddings));
    CHECK(same_everywhere);
  }
}

TEST_CASE("a search has the bits of one process on any number of ranks") {
  const comm::Communicator world, alone(MPI_COMM_SELF);
  CHECK(search_digests(world) == search_digests(alone));
}
