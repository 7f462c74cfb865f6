#include "search/run_search.hpp"

#include <cstdio>
#include <optional>

#include "core/error.hpp"
#include "model/model_file.hpp"
#include "quant/bank_file.hpp"
#include "search/strategy.hpp"
#include "train/device.hpp"

namespace bitdarts::search {
namespace {

// The configuration has been validated: the text is one.
config::Strategy strategy_of(const config::SearchOptions& options) {
  return config::read_strategy(options.strategy).value();
}

// The losses around the discretisation, on the same batches of the search part.
struct Gap {
  double full_precision = 0;
  std::optional<double> mixed;
  std::vector<double> discrete;  // by budget
};

Gap measure_gap(const Problem& problem, const Findings& findings, train::Engine<float>& engine) {
  Gap gap;
  gap.full_precision = measured_loss(problem, engine, problem.weights, nullptr);
  if (!findings.expected_costs.empty()) {
    quant::Bank mixed = findings.bank;
    gap.mixed = measured_loss(problem, engine, findings.weights, &mixed);
  }
  for (const auto& scheme : findings.schemes) {
    quant::Bank discrete = discrete_bank(problem, findings.bank, scheme);
    gap.discrete.push_back(measured_loss(problem, engine, findings.weights, &discrete));
  }
  return gap;
}

double cost_ratio(const Problem& problem, const quant::Scheme& scheme) {
  const auto& cost = problem.budgets.front().cost;
  const auto& layers = problem.layout.linears;
  return static_cast<double>(quant::scheme_cost(cost, layers, scheme)) /
         static_cast<double>(quant::full_cost(cost, layers));
}

// By layer, in the order of the candidates of the options; a shared input's row stands at each of its layers.
void save_values(store::File& file, const quant::Bank& bank, const SiteValues& values,
                 const std::string& group) {
  const auto save = [&](const std::vector<std::size_t>& site_of_layer, const char* name) {
    const std::size_t candidates = values[site_of_layer.front()].size();
    std::vector<double> rows;
    for (const std::size_t site : site_of_layer)
      rows.insert(rows.end(), values[site].begin(), values[site].end());
    file.write<double>(group + "/estimated_loss/" + name, rows, {site_of_layer.size(), candidates});
  };
  save(bank.weight_site, "weight");
  save(bank.input_site, "input");
}

void save_schemes(store::File& file, const Problem& problem, const Findings& findings, const Gap& gap) {
  quant::save_scheme(file, findings.schemes.front(), problem.layout.linears);
  for (std::size_t b = 0; b < problem.budgets.size(); ++b) {
    const std::string group = "/schemes/" + std::to_string(b);
    quant::save_scheme(file, findings.schemes[b], problem.layout.linears, group);
    file.set_attribute(group, "budget", problem.budgets[b].text);
    file.set_attribute(group, "capacity", problem.budgets[b].capacity.value_or(0));
    file.set_attribute(group, "scheme_cost", cost_ratio(problem, findings.schemes[b]));
    file.set_attribute(group, "discrete_loss", gap.discrete[b]);
    if (!findings.expected_costs.empty())
      file.set_attribute(group, "expected_cost", findings.expected_costs[b]);
    if (!findings.values.empty()) save_values(file, findings.bank, findings.values[b], group);
  }
}

void save_facts(store::File& file, const Problem& problem, const Findings& findings, const Gap& gap) {
  const auto& options = problem.options;
  const Budget& first = problem.budgets.front();
  std::string budgets;
  for (const std::string& text : options.budget) budgets += (budgets.empty() ? "" : " ") + text;
  const std::pair<const char*, std::string> texts[] = {{"strategy", config::to_text(strategy_of(options))},
                                                       {"cost", options.cost},
                                                       {"budget", first.text},
                                                       {"budgets", budgets},
                                                       {"weight_scale", problem.quantizer.weight_scale},
                                                       {"tie", problem.quantizer.tie}};
  for (const auto& [name, value] : texts) file.set_attribute("/search", name, value);
  const std::pair<const char*, std::int64_t> counts[] = {
      {"steps", findings.steps},
      {"budget_count", static_cast<std::int64_t>(options.budget.size())},
      {"quantize_head", problem.quantizer.quantize_head ? 1 : 0},
      {"capacity", first.capacity.value_or(0)},
      {"full_cost", quant::full_cost(first.cost, problem.layout.linears)}};
  for (const auto& [name, value] : counts) file.set_attribute("/search", name, value);
  file.set_attribute("/search", "target", first.target);
  file.set_attribute("/search", "scheme_cost", cost_ratio(problem, findings.schemes.front()));
  file.set_attribute("/search", "full_precision_loss", gap.full_precision);
  file.set_attribute("/search", "discrete_loss", gap.discrete.front());
  if (gap.mixed) file.set_attribute("/search", "mixed_loss", *gap.mixed);
  if (!findings.expected_costs.empty())
    file.set_attribute("/search", "expected_cost", findings.expected_costs.front());
}

std::string summary(const Problem& problem, const Findings& findings, const Gap& gap) {
  std::string text = findings.summary;
  for (std::size_t b = 0; b < problem.budgets.size(); ++b) {
    const auto bits = quant::summarise(problem.layout.linears, findings.schemes[b],
                                       model::unquantized_macs(problem.shape, problem.layout));
    char line[300];
    std::snprintf(line, sizeof line,
                  "search: %s%s%s scheme with %.2f weight bits, %.2f input bits, BOPs ratio %s; loss full "
                  "precision %.4f, ",
                  problem.options.strategy.c_str(), problem.budgets[b].text.empty() ? "" : ", budget ",
                  (problem.budgets[b].text + ":").c_str(), bits.mean_weight_bits, bits.mean_input_bits,
                  quant::bops_in_words(bits).c_str(), gap.full_precision);
    if (!text.empty()) text += '\n';
    text += line;
    if (gap.mixed) {
      std::snprintf(line, sizeof line, "mixed %.4f, ", *gap.mixed);
      text += line;
    }
    std::snprintf(line, sizeof line, "discrete before finetuning %.4f", gap.discrete[b]);
    text += line;
  }
  return text;
}

}  // namespace

void run_search(const stage::Context& context, stage::Run& run) {
  const auto& options = context.config.search;
  const auto find = find_strategy(strategy_of(options));
  const std::string device = train::prepare_device(context, run);
  Problem problem = load_problem(context, run);
  run.confirm_inputs();
  if (options.budget.empty()) {
    const bool weighed = options.strategy == "darts";
    context.console.warn(
        std::string("no search.budget: nothing limits the cost") +
        (weighed ? " but λ_cost (search.cost_mode = fixed with search.cost_weight, or uncertainty)" : ""));
  }
  train::Engine<float> engine(context.world, context.config.run.shards, problem.shape, problem.layout,
                              device);
  engine.calibrate(problem.weights, problem.bank,
                   problem.sampler(problem.corpus.train, Stream::calibration_batch),
                   problem.quantizer.calibration_sequences);
  const Findings findings = find({context, run, problem, engine});
  const Gap gap = measure_gap(problem, findings, engine);
  run.publish([&](store::File& file) {
    model::save_model(file, problem.shape, problem.layout, findings.weights);
    quant::save_bank(file, findings.bank);
    save_schemes(file, problem, findings, gap);
    if (findings.save_records) findings.save_records(file);
    save_facts(file, problem, findings, gap);
  });
  context.console.result(summary(problem, findings, gap));
}

}  // namespace bitdarts::search
