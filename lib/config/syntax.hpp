#pragma once
#include <cstdint>
#include <optional>
#include <string>

namespace bitdarts::config {

// The small languages inside option values. A complaint says what is wrong, or is empty.

/// The width a candidate costs: 4 for "lsq+:4", 32 for "fp32"; nullopt when it is not a candidate.
std::optional<std::int64_t> candidate_bits(const std::string& text);
std::string candidate_complaint(const std::string& text);

/// What a budget says, before any model is known.
struct BudgetSyntax {
  enum class Kind { none, uniform_scheme, weight_bits, ratio, megabytes } kind = Kind::none;
  double value = 0;  ///< mean weight bits, ratio of the cost to that of 32 bits everywhere, or 10^6 bytes
  std::int64_t weight = 0, activation = 0;  ///< of a uniform scheme [bits]
};
std::optional<BudgetSyntax> read_budget(const std::string& text);
std::string budget_complaint(const std::string& text);

/// Does it begin as uniform:METHOD:wXaY does?
bool is_uniform_scheme(const std::string& text);
/// finetune.scheme: searched, uniform:METHOD:wXaY, or the name of a file.
std::string scheme_complaint(const std::string& text);
/// report.baselines: the same without "searched".
std::string baseline_complaint(const std::string& text);
/// Options of sbatch: long ones, --name or --name=value, with blanks between them and none within.
std::string sbatch_complaint(const std::string& text);

}  // namespace bitdarts::config
