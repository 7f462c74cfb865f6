#pragma once
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "report/format.hpp"
#include "report/products.hpp"

namespace bitdarts::report {

/// Costs are ratios of integers: two ways to the same cost differ by rounding only, less than this, relative.
inline constexpr double same_cost = 1e-9;

/// One evaluated model as the comparison sees it. A number that the evaluation does not hold is NaN.
struct EvaluatedModel {
  enum class Role { full_precision, searched, uniform, other } role = Role::other;
  std::string name;  ///< "full precision", "searched", "uniform:lsq+:w4a8", the path of a scheme table
  double perplexity = NAN, bits_per_byte = NAN, nll = NAN;
  double kl_divergence = NAN, top1_agreement = NAN;
  double weight_bits = NAN;      ///< quantizable weights, scales counted
  double weight_bits_all = NAN;  ///< with embeddings and norms
  double input_bits = NAN;
  double model_bytes = NAN, quantized_bytes = NAN, compression_ratio = NAN;
  double bops_ratio = NAN, size_ratio = NAN;
  double training_tokens = NAN;  ///< tokens that moved the weights after pretraining; NaN when unknown
  std::string incomparable;      ///< why it cannot stand against the searched scheme; empty: it can
};

/// The rows of the comparison and what follows from them.
struct Comparison {
  enum class Verdict { nothing_searched, no_opponent, wins, ties, loses } verdict = Verdict::nothing_searched;
  bool by_size = false;  ///< cost is the size of the weights (search.cost = size), not BOPs
  std::vector<EvaluatedModel>
      models;  ///< full precision, searched, the opponent, then the others by rising cost
  std::optional<std::size_t> searched, opponent;  ///< indices into models
  std::vector<std::size_t> cheaper_and_better;    ///< below the searched cost and at lower perplexity
  std::vector<std::size_t> same_or_higher_cost;   ///< uniform, comparable; the opponent is one of them
  double cost_of(const EvaluatedModel& model) const { return by_size ? model.size_ratio : model.bops_ratio; }
};

/// The equal-cost rule: of the comparable uniform schemes whose cost is not below the searched one's (to
/// same_cost), those at the smallest cost there is; of these, the one with the lowest perplexity is the
/// opponent. Orders the models.
Comparison compare(std::vector<EvaluatedModel> models, bool by_size = false);

/// What one evaluation says of its scheme; the training needs to be known for training_tokens alone.
EvaluatedModel evaluated_model(const Product& evaluation, const std::optional<Product>& finetuned);
/// What it says of the model before quantization.
EvaluatedModel full_precision_model(const Product& evaluation);
/// The content hash of an input that a product was made from; empty when it has none of this name.
std::string input_hash(const Product& product, const std::string& name);

/// Full precision, the searched scheme and every baseline, from their evaluations.
std::vector<EvaluatedModel> evaluated_models(const Products& products);
Comparison compare(const Products& products);

/// The verdict in plain words, one or more sentences; a searched scheme that loses is said to lose.
std::string verdict_in_words(const Comparison& comparison);

/// The table for a terminal; the opponent is marked.
TextTable comparison_table(const Comparison& comparison);

}  // namespace bitdarts::report
