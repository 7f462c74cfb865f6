#include "report/csv_files.hpp"

#include <algorithm>

#include "report/csv.hpp"
#include "report/layer_pictures.hpp"
#include "report/sections.hpp"
#include "report/stored_scheme.hpp"
#include "store/metrics.hpp"

namespace bitdarts::report {
namespace {

Csv comparison_csv(const Comparison& c) {
  Csv csv({"scheme", "role", "perplexity", "nll", "bits_per_byte", "kl_divergence", "top1_agreement",
           "mean_weight_bits", "mean_weight_bits_all", "mean_input_bits", "model_bytes",
           "quantized_weight_bytes", "compression_ratio", "bops_ratio", "size_ratio", "training_tokens",
           "not_comparable_because"});
  for (std::size_t i = 0; i < c.models.size(); ++i) {
    const EvaluatedModel& m = c.models[i];
    const std::string role = m.role == EvaluatedModel::Role::full_precision ? "full precision"
                             : c.searched == i                              ? "searched"
                             : c.opponent == i                              ? "best by hand"
                             : m.role == EvaluatedModel::Role::uniform      ? "uniform"
                                                                            : "other";
    std::vector<std::string> cells{m.name, role};
    for (const double value :
         {m.perplexity, m.nll, m.bits_per_byte, m.kl_divergence, m.top1_agreement, m.weight_bits,
          m.weight_bits_all, m.input_bits, m.model_bytes, m.quantized_bytes, m.compression_ratio,
          m.bops_ratio, m.size_ratio, m.training_tokens})
      cells.push_back(csv_number(value));
    cells.push_back(m.incomparable);
    csv.row(cells);
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
    if (baseline.finetuned) add_losses(csv, "finetune baselines/" + baseline.folder, *baseline.finetuned);
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
