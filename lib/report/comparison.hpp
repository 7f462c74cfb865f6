#pragma once
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "products/products.hpp"
#include "report/difference.hpp"
#include "report/format.hpp"

namespace bitdarts::report {

/// Costs are ratios of integers: two ways to the same cost differ by rounding only, less than this, relative.
inline constexpr double same_cost = 1e-9;

/// One evaluated model as the comparison sees it. A number that the evaluation does not hold is NaN.
struct EvaluatedModel {
  /// Rivals are all schemes that the search did not find: of other strategies, uniform ones, tables. What
  /// finetune.scheme = best picked (chosen) is one of the others, and neither.
  enum class Role { full_precision, searched, rival, chosen } role = Role::rival;
  std::string name;  ///< "full precision", "searched", "searched:w2a4", "sensitivity", "random:1:w2a4",
                     ///< "uniform:lsq+:w4a8", "best", the path of a scheme table
  std::string strategy, budget, chosen;  ///< as /evaluation has them; empty where it has not
  double perplexity = NAN, bits_per_byte = NAN, nll = NAN;
  double tokens = NAN;   ///< scored
  WindowLosses windows;  ///< of the test part
  double kl_divergence = NAN, top1_agreement = NAN;
  double weight_bits = NAN;      ///< quantizable weights, scales counted
  double weight_bits_all = NAN;  ///< with embeddings and norms
  double input_bits = NAN;
  double model_bytes = NAN, quantized_bytes = NAN, compression_ratio = NAN;
  double bops_ratio = NAN, bops_ratio_all = NAN;  ///< see quant::SchemeSummary
  double size_ratio = NAN;                        ///< of 32 bits, all that is stored for the quantized layers
  double budget_ratio = NAN;     ///< of a searched scheme: what it may cost, over full cost; NaN: no budget
  double training_tokens = NAN;  ///< tokens that moved the weights after pretraining; NaN when unknown
  std::string incomparable;      ///< why it cannot stand beside the searched scheme; empty: it can
};

/// The loss of `a` above that of `b`: from their windows where these can be paired, else from the
/// perplexities alone, without an error. A perplexity that is not finite is above every other.
Difference difference_between(const EvaluatedModel& a, const EvaluatedModel& b);

/// One searched scheme against the best of its rivals.
struct Contest {
  enum class Verdict { no_rival, wins, no_difference, loses } verdict = Verdict::no_rival;
  std::size_t searched = 0;           ///< index into Comparison::models
  std::optional<std::size_t> rival;   ///< of `rivals`, the one with the lowest perplexity
  std::vector<std::size_t> rivals{};  ///< comparable ones whose cost is not above `allowance`
  double allowance = NAN;   ///< the budget of the search, or the scheme's own cost where that is more
  Difference difference{};  ///< the searched scheme above the rival
};

/// The rows of the comparison and what follows from them.
struct Comparison {
  bool by_size = false;  ///< cost is the size of the weights (search.cost = size), not BOPs
  /// Full precision; what was chosen; each searched scheme with its best rival; the others by rising cost.
  std::vector<EvaluatedModel> models;
  std::vector<Contest> contests;        ///< one for each searched scheme, by rising allowance
  std::optional<std::size_t> searched;  ///< that of the first budget
  std::string recovery;                 ///< recovery_in_words()
  double cost_of(const EvaluatedModel& model) const { return by_size ? model.size_ratio : model.bops_ratio; }
  /// The contest that a model is told in: that of its own budget, else of the smallest one it fits in, else
  /// the last; none when nothing was searched.
  const Contest* contest_of(std::size_t model) const;
};

/// Judges every searched scheme against the best rival of any kind that its budget allows, and orders the
/// models. Costlier rivals are rows, and no opponents.
Comparison compare(std::vector<EvaluatedModel> models, bool by_size = false);

/// What one evaluation says of its scheme; the training needs to be known for training_tokens alone.
EvaluatedModel evaluated_model(const products::Product& evaluation,
                               const std::optional<products::Product>& finetuned);
/// What it says of the model before quantization.
EvaluatedModel full_precision_model(const products::Product& evaluation);
/// The content hash of an input that a product was made from; empty when it has none of this name.
std::string input_hash(const products::Product& product, const std::string& name);
/// What a search was allowed under one of its budgets ("" or the first: that of its first), over full cost;
/// NaN when it had none of this name.
double budget_ratio(const store::File& searched, const std::string& budget);

/// Full precision, the searched schemes and every baseline, from their evaluations.
std::vector<EvaluatedModel> evaluated_models(const products::Products& products);
Comparison compare(const products::Products& products);

}  // namespace bitdarts::report
