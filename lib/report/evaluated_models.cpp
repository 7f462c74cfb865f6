// From products to the rows of the comparison.
#include <cmath>
#include <map>
#include <set>
#include <sstream>

#include "chain/places.hpp"
#include "products/stored_scheme.hpp"
#include "report/comparison.hpp"
#include "report/weight_recovery.hpp"

namespace bitdarts::report {

using namespace products;
namespace {

using Role = EvaluatedModel::Role;

const std::string group = "/evaluation";

// A stored number of either type; NaN when there is none.
double number(const store::File& file, const std::string& name) {
  for (const auto& [found, value] : file.attributes(group)) {
    if (found != name) continue;
    const auto type = file.attribute_type(group, name);
    if (type == store::ElementType::float64) return *file.double_attribute(group, name);
    if (type == store::ElementType::int64) return static_cast<double>(*file.int_attribute(group, name));
  }
  return NAN;
}

// One number a window; an evaluation of the time before window_tokens stands for equal ones.
WindowLosses windows_of(const store::File& file) {
  WindowLosses windows;
  if (!file.has(group + "/window_nll")) return windows;
  windows.nll = file.read<double>(group + "/window_nll");
  if (file.has(group + "/window_tokens")) {
    for (const std::int64_t tokens : file.read<std::int64_t>(group + "/window_tokens"))
      windows.tokens.push_back(static_cast<double>(tokens));
  } else {
    const auto count = static_cast<double>(windows.nll.size());
    windows.tokens.assign(windows.nll.size(), number(file, "tokens") / count);
  }
  return windows;
}

// "searched" and "searched:BUDGET", as finetune.scheme says it.
bool is_searched(const std::string& name) { return name == "searched" || name.starts_with("searched:"); }

// Tokens that moved the weights after pretraining: finetuning, and the inner level of the search where its
// weights were kept.
double training_tokens(const std::optional<Product>& finetuned) {
  if (!finetuned) return NAN;
  const auto options = configuration_of(*finetuned);
  const auto steps = finetuned->file.int_attribute("/finetune", "steps");
  const auto context = finetuned->file.int_attribute("/model", "context");
  if (!options || !steps || !context) return NAN;
  double sequences = static_cast<double>(*steps * options->finetune.batch);
  if (const auto of_search = finetuned->file.int_attribute("/finetune", "search_tokens"))
    return sequences * static_cast<double>(*context) + static_cast<double>(*of_search);
  // Of the time before that number: as a search of one budget that did not settle early.
  const bool from_search = finetuned->file.text_attribute("/finetune", "from") == "searched";
  const bool trained_there =
      finetuned->file.text_attribute("/finetune", "strategy").value_or("darts") == "darts" &&
      options->search.weights == "trained";
  if (from_search && trained_there)
    sequences += static_cast<double>(options->search.steps * options->search.batch);
  return sequences * static_cast<double>(*context);
}

// What is stored for the quantized layers, their scales and the numbers of their inputs' quantizers included,
// to 32 bits a weight: what budgets of search.cost = size count.
double stored_ratio(const store::File& file) {
  const double bytes = number(file, "quantized_weight_bytes"),
               full = std::round(bytes * number(file, "weight_compression_ratio"));
  int inputs = 0;
  for (const auto& entry : read_scheme(file, "/scheme").entries)
    inputs += quant::input_numbers(quant::traits(entry.input.method));
  const double ratio = (bytes + 4 * inputs) / full;
  return std::isfinite(ratio) ? ratio : number(file, "size_ratio");
}

}  // namespace

EvaluatedModel evaluated_model(const Product& evaluation, const std::optional<Product>& finetuned) {
  const store::File& file = evaluation.file;
  const auto value = [&](const char* name) { return number(file, name); };
  EvaluatedModel model;
  model.name = file.text_attribute(group, "scheme").value_or("unnamed scheme");
  model.role = is_searched(model.name) ? Role::searched : model.name == "best" ? Role::chosen : Role::rival;
  const auto text = [&](const char* name) { return file.text_attribute(group, name).value_or(""); };
  model.strategy = text("strategy");
  model.budget = text("budget");
  model.chosen = text("chosen");
  if (model.budget.empty() && model.name.starts_with("searched:"))
    model.budget = model.name.substr(model.name.find(':') + 1);
  model.perplexity = value("perplexity");
  model.bits_per_byte = value("bits_per_byte");
  model.nll = value("nll");
  model.tokens = value("tokens");
  model.windows = windows_of(file);
  model.kl_divergence = value("kl_divergence");
  model.top1_agreement = value("top1_agreement");
  model.weight_bits = value("mean_weight_bits");
  model.weight_bits_all = value("mean_weight_bits_all");
  model.input_bits = value("mean_input_bits");
  model.model_bytes = value("model_bytes");
  model.quantized_bytes = value("quantized_weight_bytes");
  model.compression_ratio = value("compression_ratio");
  model.bops_ratio = value("bops_ratio");
  model.bops_ratio_all = value("bops_ratio_all");
  model.size_ratio = stored_ratio(file);
  model.training_tokens = training_tokens(finetuned);
  return model;
}

EvaluatedModel full_precision_model(const Product& evaluation) {
  const auto value = [&](const char* name) { return number(evaluation.file, name); };
  EvaluatedModel model;
  model.role = Role::full_precision;
  model.name = "full precision";
  model.perplexity = value("full_precision_perplexity");
  model.bits_per_byte = value("full_precision_bits_per_byte");
  model.nll = value("full_precision_nll");
  model.tokens = value("tokens");
  model.kl_divergence = 0;
  model.weight_bits = model.weight_bits_all = model.input_bits = 32;
  model.model_bytes = value("full_precision_bytes");
  model.top1_agreement = model.compression_ratio = 1;
  model.bops_ratio = model.bops_ratio_all = model.size_ratio = 1;
  model.training_tokens = 0;
  return model;
}

std::string input_hash(const Product& product, const std::string& name) {
  for (const store::InputRecord& input : product.provenance.inputs)
    if (input.name == name) return input.content_hash;
  return {};
}

double budget_ratio(const store::File& searched, const std::string& budget) {
  if (budget.empty() || budget == searched.text_attribute("/search", "budget")) {
    const double target = searched.double_attribute("/search", "target").value_or(0);
    return target > 0 ? target : NAN;
  }
  const auto full = searched.int_attribute("/search", "full_cost");
  if (!full || *full <= 0 || !searched.has("/schemes")) return NAN;
  for (const std::string& child : searched.children("/schemes")) {
    const std::string scheme = "/schemes/" + child;
    const auto capacity = searched.int_attribute(scheme, "capacity");
    if (capacity && searched.text_attribute(scheme, "budget") == budget)
      return static_cast<double>(*capacity) / static_cast<double>(*full);
  }
  return NAN;
}

namespace {

// "section.key" -> value of what shapes a finetuning beside its scheme, its length and how often it is
// validated.
std::map<std::string, std::string> training_of(const std::optional<Product>& finetuned) {
  std::map<std::string, std::string> values;
  const auto options = finetuned ? configuration_of(*finetuned) : std::nullopt;
  if (!options) return values;
  std::istringstream lines(config::result_options(*options, {"finetune", "quantizer"}));
  for (std::string line; std::getline(lines, line);) {
    const std::string name = line.substr(0, line.find(" = "));
    const bool shapes = name != "finetune.scheme" && !name.starts_with("finetune.validation");
    if (shapes) values[name] = line.substr(std::min(line.size(), name.size() + 3));
  }
  return values;
}

std::string different_training(const std::optional<Product>& mine, const std::optional<Product>& theirs) {
  const auto here = training_of(mine), there = training_of(theirs);
  for (const auto& [name, value] : here)
    if (const auto other = there.find(name); other != there.end() && other->second != value)
      return "it was finetuned with " + name + " = " + value + ", the searched scheme with " + other->second;
  return {};
}

// One scheme of the report: what was measured, and the training before it.
struct Entry {
  const Product& evaluation;
  const std::optional<Product>& finetuned;
};

// Same text, same starting model, same protocol, same training: else the numbers do not stand beside each
// other.
std::string why_incomparable(const Entry& entry, const EvaluatedModel& model, const Entry& first,
                             const EvaluatedModel& searched) {
  const Product &baseline = entry.evaluation, &reference = first.evaluation;
  for (const std::string name : {"tokens", "pretrained"})
    if (input_hash(baseline, name) != input_hash(reference, name))
      return "it was evaluated with another " + name + ".h5";
  const auto protocol = [](const Product& product) { return product.file.text_attribute(group, "protocol"); };
  if (protocol(baseline) != protocol(reference)) return "it was evaluated by another protocol";
  if (number(baseline.file, "tokens") != number(reference.file, "tokens") &&
      !std::isnan(number(reference.file, "tokens")))
    return "it was evaluated on another number of tokens";
  const double mine = model.training_tokens, theirs = searched.training_tokens;
  if (std::isfinite(mine) && std::isfinite(theirs) && mine != theirs) {
    return "its weights were trained on " + grouped(static_cast<std::int64_t>(mine)) +
           " tokens after pretraining, those of the searched scheme on " +
           grouped(static_cast<std::int64_t>(theirs));
  }
  return different_training(entry.finetuned, first.finetuned);
}

// The first searched scheme of the run; without one, what the run evaluated, or the first baseline.
std::size_t reference_of(const std::vector<EvaluatedModel>& models) {
  for (std::size_t i = 0; i < models.size(); ++i)
    if (models[i].role == Role::searched) return i;
  return 0;
}

}  // namespace

std::vector<EvaluatedModel> evaluated_models(const Products& products) {
  std::vector<EvaluatedModel> models;
  std::vector<Entry> entries;
  std::set<std::string> searched;
  const auto add = [&](const Entry& entry, const std::string& other_name) {
    EvaluatedModel model = evaluated_model(entry.evaluation, entry.finetuned);
    // There is one searched scheme of a name in a report: the run's own, if it has one.
    if (model.role == Role::searched && !searched.insert(model.name).second) {
      model.role = Role::rival;
      model.name = other_name;
    }
    if (model.role == Role::searched && products.searched) {
      const store::File& file = products.searched->file;
      if (model.budget.empty()) model.budget = file.text_attribute("/search", "budget").value_or("");
      model.budget_ratio = budget_ratio(file, model.budget);
    }
    models.push_back(std::move(model));
    entries.push_back(entry);
  };
  if (products.evaluation) add({*products.evaluation, products.finetuned}, {});
  for (const Baseline& baseline : products.baselines)
    if (baseline.evaluation)
      add({*baseline.evaluation, baseline.finetuned}, chain::baseline_label(baseline.folder));
  if (models.empty()) return models;
  const std::size_t reference = reference_of(models);
  for (std::size_t i = 0; i < models.size(); ++i)
    if (i != reference)
      models[i].incomparable = why_incomparable(entries[i], models[i], entries[reference], models[reference]);
  models.insert(models.begin(), full_precision_model(entries[reference].evaluation));
  return models;
}

Comparison compare(const Products& products) {
  const bool by_size =
      products.searched && products.searched->file.text_attribute("/search", "cost") == "size";
  Comparison comparison = compare(evaluated_models(products), by_size);
  comparison.recovery = recovery_in_words(products, comparison);
  return comparison;
}

}  // namespace bitdarts::report
