#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bitdarts::config {

// The small languages inside option values. A complaint says what is wrong, or is empty.

/// Methods of quantization, in the order of quant/methods/table.hpp, which checks that they are the same.
inline constexpr std::array<std::string_view, 3> method_names{"lsq+", "pact", "uniform"};

/// The width a candidate costs: 4 for "lsq+:4", 32 for "fp32"; nullopt when it is not a candidate.
std::optional<std::int64_t> candidate_bits(const std::string& text);
std::string candidate_complaint(const std::string& text);

/// What a budget says, before any model is known.
struct BudgetSyntax {
  enum class Kind { none, uniform_scheme, weight_bits, ratio, megabytes } kind = Kind::none;
  double value = 0;  ///< mean weight bits, ratio of the cost to that of 32 bits everywhere, or 10^6 bytes
  std::int64_t weight = 0, activation = 0;  ///< of a uniform scheme [bits]
  bool operator==(const BudgetSyntax&) const = default;
};
std::optional<BudgetSyntax> read_budget(const std::string& text);
/// An empty text has one too: a list without items is how to write that there is none.
std::string budget_complaint(const std::string& text);

/// Does it have the form of uniform:METHOD:wXaY, a uniform scheme that is written out? (uniform:w3a3 has not:
/// it is the best one within a budget.)
bool is_uniform_scheme(const std::string& text);
std::string uniform_scheme_complaint(const std::string& text);
/// search.weight_recovery: auto (nullopt), or a share from 0 to 1.
std::optional<double> read_share(const std::string& text);
std::string share_complaint(const std::string& text);
/// A word of a command line that is an option rather than the value of the one before it: "--force", "-h".
bool looks_like_an_option(const std::string& word);
/// Options of sbatch: long ones, --name or --name=value, with blanks between them and none within.
std::string sbatch_complaint(const std::string& text);

}  // namespace bitdarts::config
