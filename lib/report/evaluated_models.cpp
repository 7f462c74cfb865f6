// From products to the rows of the comparison.
#include <algorithm>

#include "quant/scheme.hpp"
#include "report/comparison.hpp"

namespace bitdarts::report {
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

// Tokens that moved the weights after pretraining: finetuning, and the inner level of the search where its
// weights were kept.
double training_tokens(const std::optional<Product>& finetuned) {
  if (!finetuned) return NAN;
  const auto options = configuration_of(*finetuned);
  const auto steps = finetuned->file.int_attribute("/finetune", "steps");
  const auto context = finetuned->file.int_attribute("/model", "context");
  if (!options || !steps || !context) return NAN;
  double sequences = static_cast<double>(*steps * options->finetune.batch);
  if (finetuned->file.text_attribute("/finetune", "from") == "searched")
    sequences += static_cast<double>(options->search.steps * options->search.batch);
  return sequences * static_cast<double>(*context);
}

EvaluatedModel row_of(const Product& evaluation, const std::optional<Product>& finetuned) {
  const store::File& file = evaluation.file;
  const auto value = [&](const char* name) { return number(file, name); };
  EvaluatedModel model;
  model.name = file.text_attribute(group, "scheme").value_or("unnamed scheme");
  model.role = model.name == "searched"                  ? Role::searched
               : quant::is_uniform_shorthand(model.name) ? Role::uniform
                                                         : Role::other;
  model.perplexity = value("perplexity");
  model.bits_per_byte = value("bits_per_byte");
  model.nll = value("nll");
  model.kl_divergence = value("kl_divergence");
  model.top1_agreement = value("top1_agreement");
  model.weight_bits = value("mean_weight_bits");
  model.weight_bits_all = value("mean_weight_bits_all");
  model.input_bits = value("mean_input_bits");
  model.model_bytes = value("model_bytes");
  model.quantized_bytes = value("quantized_weight_bytes");
  model.compression_ratio = value("compression_ratio");
  model.bops_ratio = value("bops_ratio");
  model.size_ratio = value("size_ratio");
  model.training_tokens = training_tokens(finetuned);
  return model;
}

EvaluatedModel full_precision_of(const Product& evaluation) {
  const auto value = [&](const char* name) { return number(evaluation.file, name); };
  EvaluatedModel model;
  model.role = Role::full_precision;
  model.name = "full precision";
  model.perplexity = value("full_precision_perplexity");
  model.bits_per_byte = value("full_precision_bits_per_byte");
  model.nll = value("full_precision_nll");
  model.kl_divergence = 0;
  model.weight_bits = model.weight_bits_all = model.input_bits = 32;
  model.model_bytes = value("full_precision_bytes");
  model.top1_agreement = model.compression_ratio = model.bops_ratio = model.size_ratio = 1;
  model.training_tokens = 0;
  return model;
}

std::string input_hash(const Product& product, const std::string& name) {
  for (const store::InputRecord& input : product.provenance.inputs)
    if (input.name == name) return input.content_hash;
  return {};
}

// Same text, same starting model, same protocol, same training: else the numbers do not stand beside each
// other.
std::string why_incomparable(const Product& baseline, const EvaluatedModel& model, const Product& reference,
                             const EvaluatedModel& searched) {
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
  return {};
}

}  // namespace

std::vector<EvaluatedModel> evaluated_models(const Products& products) {
  std::vector<EvaluatedModel> models;
  const Product* reference = products.evaluation ? &*products.evaluation : nullptr;
  if (reference != nullptr) models.push_back(row_of(*reference, products.finetuned));
  for (const Baseline& baseline : products.baselines) {
    if (!baseline.evaluation) continue;
    EvaluatedModel model = row_of(*baseline.evaluation, baseline.finetuned);
    if (model.role == Role::searched) {  // there is one searched scheme in a report, that of the run
      model.role = Role::other;
      model.name = "baselines/" + baseline.folder;
    }
    if (reference == nullptr) {
      reference = &*baseline.evaluation;
    } else {
      model.incomparable = why_incomparable(*baseline.evaluation, model, *reference, models.front());
    }
    models.push_back(std::move(model));
  }
  if (reference != nullptr) models.insert(models.begin(), full_precision_of(*reference));
  return models;
}

Comparison compare(const Products& products) {
  const bool by_size =
      products.searched && products.searched->file.text_attribute("/search", "cost") == "size";
  return compare(evaluated_models(products), by_size);
}

}  // namespace bitdarts::report
