#include "report/csv_files.hpp"

#include <algorithm>

#include "chain/places.hpp"
#include "products/stored_scheme.hpp"
#include "report/csv.hpp"
#include "report/layer_pictures.hpp"
#include "report/measures.hpp"
#include "report/sections.hpp"
#include "store/metrics.hpp"

namespace bitdarts::report {

using namespace products;
namespace {

std::string role_of(const Comparison& c, std::size_t i) {
  switch (c.models[i].role) {
    case EvaluatedModel::Role::full_precision:
      return "full precision";
    case EvaluatedModel::Role::searched:
      return "searched";
    case EvaluatedModel::Role::chosen:
      return "chosen";
    case EvaluatedModel::Role::rival:
      break;
  }
  const bool best = std::any_of(c.contests.begin(), c.contests.end(),
                                [&](const Contest& contest) { return contest.rival == i; });
  return best ? "best rival" : "rival";
}

Csv comparison_csv(const Comparison& c) {
  std::vector<std::string> header{"scheme", "role", "strategy", "budget", "chosen"};
  for (const Measure& measure : measures()) header.push_back(measure.key);
  header.insert(header.end(),
                {"training_tokens", "against", "change", "change_error", "not_comparable_because"});
  Csv csv(header);
  for (std::size_t i = 0; i < c.models.size(); ++i) {
    const EvaluatedModel& m = c.models[i];
    std::vector<std::string> cells{m.name, role_of(c, i), m.strategy, m.budget, m.chosen};
    for (const Measure& measure : measures()) cells.push_back(csv_number(measure.of(m)));
    cells.push_back(csv_number(m.training_tokens));
    const Contest* contest = c.contest_of(i);
    if (contest != nullptr && contest->searched != i && m.incomparable.empty()) {
      const EvaluatedModel& searched = c.models[contest->searched];
      const Difference difference = difference_between(m, searched);
      cells.insert(cells.end(),
                   {searched.name, csv_number(difference.change()), csv_number(difference.change_error())});
    } else {
      cells.insert(cells.end(), 3, "");
    }
    cells.push_back(m.incomparable);
    csv.row(cells);
  }
  return csv;
}

Csv verdicts_csv(const Comparison& c) {
  Csv csv({"searched", "budget", "allowed_cost", "cost", "perplexity", "verdict", "rivals", "best_rival",
           "rival_cost", "rival_perplexity", "change", "change_error", "windows"});
  const auto name = [](Contest::Verdict verdict) {
    switch (verdict) {
      case Contest::Verdict::wins:
        return "wins";
      case Contest::Verdict::loses:
        return "loses";
      case Contest::Verdict::no_difference:
        return "no difference";
      case Contest::Verdict::no_rival:
        break;
    }
    return "no rival";
  };
  for (const Contest& contest : c.contests) {
    const EvaluatedModel& mine = c.models[contest.searched];
    const EvaluatedModel rival = contest.rival ? c.models[*contest.rival] : EvaluatedModel{};
    csv.row({mine.name, mine.budget, csv_number(contest.allowance), csv_number(c.cost_of(mine)),
             csv_number(mine.perplexity), name(contest.verdict), std::to_string(contest.rivals.size()),
             rival.name, csv_number(c.cost_of(rival)), csv_number(rival.perplexity),
             csv_number(contest.difference.change()), csv_number(contest.difference.change_error()),
             std::to_string(contest.difference.windows)});
  }
  return csv;
}

Csv scheme_csv(const Products& products) {
  Csv csv({"layer", "out_features", "in_features", "weight", "weight_bits", "input", "input_bits"});
  const Product* holder = scheme_holder(products);
  if (holder == nullptr) return csv;
  const auto scheme = read_scheme(holder->file);
  const auto shapes = layer_shapes(holder->file, scheme);
  for (std::size_t l = 0; l < shapes.size(); ++l) {
    const auto& entry = scheme.entries[l];
    csv.row({entry.layer, std::to_string(shapes[l].out_features), std::to_string(shapes[l].in_features),
             quant::to_string(entry.weight), std::to_string(entry.weight.bits), quant::to_string(entry.input),
             std::to_string(entry.input.bits)});
  }
  return csv;
}

void add_losses(Csv& csv, const std::string& stage, const Product& product) {
  const auto metrics = store::Metrics::load(product.file);
  for (const std::string& group : metrics.groups()) {
    const auto steps = metrics.column(group, "step");
    for (const std::string name : {"loss", "outer_loss"}) {
      const auto losses = metrics.column(group, name);
      for (std::size_t i = 0; i < std::min(steps.size(), losses.size()); ++i)
        csv.row({stage, name == "outer_loss" ? "outer" : group, csv_number(steps[i]), csv_number(losses[i])});
    }
  }
}

Csv losses_csv(const Products& products) {
  Csv csv({"stage", "series", "step", "loss"});
  if (products.pretrained) add_losses(csv, "pretrain", *products.pretrained);
  if (products.searched) add_losses(csv, "search", *products.searched);
  if (products.finetuned) add_losses(csv, "finetune", *products.finetuned);
  for (const Baseline& baseline : products.baselines)
    if (baseline.finetuned)
      add_losses(csv, "finetune " + chain::baseline_label(baseline.folder), *baseline.finetuned);
  return csv;
}

Csv search_csv(const Products& products) {
  if (!products.searched) return Csv({"step"});
  const auto metrics = store::Metrics::load(products.searched->file);
  auto names = metrics.columns("search");
  if (const auto step = std::find(names.begin(), names.end(), "step"); step != names.end())
    std::rotate(names.begin(), step, step + 1);
  Csv csv(names.empty() ? std::vector<std::string>{"step"} : names);
  std::vector<std::vector<double>> columns;
  for (const std::string& name : names) columns.push_back(metrics.column("search", name));
  for (std::size_t i = 0; !columns.empty() && i < columns.front().size(); ++i) {
    std::vector<std::string> cells;
    for (const auto& column : columns) cells.push_back(csv_number(column[i]));
    csv.row(cells);
  }
  return csv;
}

Csv probabilities_csv(const Products& products) {
  Csv csv({"step", "layer", "tensor", "candidate", "probability", "expected_bits"});
  if (!products.searched) return csv;
  const store::File& file = products.searched->file;
  const auto steps = store::Metrics::load(file).column("alpha_log", "step");
  for (const auto& history : probability_histories(file, read_scheme(file))) {
    for (std::size_t r = 0; r < history.probabilities.size(); ++r) {
      double bits = 0;
      for (std::size_t j = 0; j < history.candidates.size(); ++j)
        bits += history.probabilities[r][j] * history.candidates[j].bits;
      for (std::size_t j = 0; j < history.candidates.size(); ++j)
        csv.row({r < steps.size() ? csv_number(steps[r]) : "", history.layer,
                 history.weight ? "weight" : "input", quant::to_string(history.candidates[j]),
                 csv_number(history.probabilities[r][j]), csv_number(bits)});
    }
  }
  return csv;
}

Csv discretisation_csv(const Products& products) {
  Csv csv({"network", "loss"});
  for (const GapStep& step : discretisation_gap(products)) csv.row({step.name, csv_number(step.loss)});
  return csv;
}

Csv provenance_csv(const Products& products) {
  Csv csv({"product", "stage", "key", "content_hash", "inputs", "program_version", "git_revision", "compiler",
           "libraries", "host", "ranks", "threads", "started", "ended", "path"});
  for (const auto& [name, product] : products.all()) {
    const store::Provenance& p = product->provenance;
    std::string inputs;
    for (const store::InputRecord& input : p.inputs)
      inputs += (inputs.empty() ? "" : " ") + input.name + "=" + input.content_hash;
    csv.row({name, p.stage, p.key, product->content_hash, inputs, p.program_version, p.git_revision,
             p.compiler, p.libraries, p.host, std::to_string(p.ranks), std::to_string(p.threads), p.started,
             p.ended, product->path.string()});
  }
  return csv;
}

}  // namespace

std::map<std::string, std::string> csv_files(const Products& products, const Comparison& comparison) {
  const std::pair<const char*, Csv> all[] = {{"comparison.csv", comparison_csv(comparison)},
                                             {"verdicts.csv", verdicts_csv(comparison)},
                                             {"scheme.csv", scheme_csv(products)},
                                             {"losses.csv", losses_csv(products)},
                                             {"search.csv", search_csv(products)},
                                             {"probabilities.csv", probabilities_csv(products)},
                                             {"discretisation.csv", discretisation_csv(products)},
                                             {"provenance.csv", provenance_csv(products)}};
  std::map<std::string, std::string> files;
  for (const auto& [name, csv] : all)
    if (!csv.empty()) files[name] = csv.text();
  return files;
}

}  // namespace bitdarts::report
