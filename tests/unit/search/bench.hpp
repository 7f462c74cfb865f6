#pragma once
// A search small enough for finite differences.
#include "quant/bank.hpp"
#include "search/bilevel.hpp"
#include "tiny_model.hpp"
#include "train/engine.hpp"

namespace search_test {

using namespace bitdarts;

inline const std::vector<std::string> all_names{"lsq+:4",  "lsq+:8",    "lsq+:16",   "pact:4",     "pact:8",
                                                "pact:16", "uniform:4", "uniform:8", "uniform:16", "fp32"};
inline constexpr std::uint64_t seed = 5;
inline constexpr std::int64_t shards = 2;
inline constexpr double clip_decay = 0.02;

/// Every coefficient fixed, so that the objective is one function. (Of the Fisher error only a part depends
/// on α and θ: what it weighs errors with is a constant of its gradient.)
inline config::SearchOptions fixed_options() {
  config::SearchOptions o;
  o.batch = 4;
  o.cost_mode = "fixed", o.cost_weight = 0.7;
  o.error_measure = "relative", o.error_mode = "fixed", o.error_weight = 0.9;
  o.temperature = 0.6, o.final_temperature = 0.6;
  o.warmup_steps = 0;
  return o;
}

template <class Real>
struct Bench {
  comm::Communicator self{MPI_COMM_SELF};
  model::ModelShape shape;
  model::ParameterLayout layout;
  std::vector<double> parameters;
  data::TokenPart outer_part = tiny::counting_part(300, 1), inner_part = tiny::counting_part(300, 2);
  data::Sampler outer, inner;
  train::Engine<Real> engine;

  explicit Bench(std::int64_t layers = 2, bool tied = true)
      : shape(tiny::shape(layers, tied)),
        layout(model::make_layout(shape)),
        parameters(tiny::parameters(layout)),
        outer(outer_part, shape.context, seed, Stream::outer_batch),
        inner(inner_part, shape.context, seed, Stream::inner_batch),
        engine(self, shards, shape, layout, "cpu") {}
  std::vector<Real> weights() const { return {parameters.begin(), parameters.end()}; }

  /// Calibrated; alpha as initialised when `deviation` is 0, else random.
  quant::Bank bank(const std::vector<std::string>& weight_names, const std::vector<std::string>& input_names,
                   quant::BankOptions options, double deviation = 1) {
    options.context = shape.context;
    auto bank = quant::make_search_bank(layout.linears, quant::parse_candidates(weight_names),
                                        quant::parse_candidates(input_names), options);
    engine.calibrate(weights(), bank, inner, 4);
    KeyedRandom random(8, Stream::initialisation);
    for (auto& alpha : bank.alpha) alpha = deviation * random.normal();
    return bank;
  }
  search::Bilevel<Real> bilevel(const config::SearchOptions& options, quant::Bank bank,
                                std::vector<search::Budget> budgets = {{}}) {
    return {options,         clip_decay,         seed,          engine, layout, weights(),
            std::move(bank), std::move(budgets), {outer, inner}};
  }
  search::Budget budget_of(const std::string& text, const std::vector<std::string>& names) const {
    const auto set = quant::parse_candidates(names);
    return quant::parse_budget(text, quant::CostKind::bops, layout.linears, set, set);
  }
};

}  // namespace search_test
