#include "config/syntax.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <sstream>
#include <string_view>

namespace bitdarts::config {
namespace {

constexpr std::string_view uniform = "uniform:";

bool is_method(std::string_view text) {
  return std::find(method_names.begin(), method_names.end(), text) != method_names.end();
}

// "lsq+, pact, uniform"
std::string methods() {
  std::string list;
  for (const auto& name : method_names) (list += list.empty() ? "" : ", ") += name;
  return list;
}

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::int64_t> quantized_width(std::string_view text) {
  const auto bits = number<std::int64_t>(text);
  return bits && *bits >= 2 && *bits <= 16 ? bits : std::nullopt;
}

// 32 stands for full precision.
std::optional<std::int64_t> any_width(std::string_view text) {
  return text == "32" ? std::optional<std::int64_t>(32) : quantized_width(text);
}

// "w4a8"
std::optional<BudgetSyntax> read_widths(std::string_view text) {
  const auto a = text.find('a');
  if (!text.starts_with('w') || a == std::string_view::npos) return std::nullopt;
  const auto weight = any_width(text.substr(1, a - 1));
  const auto activation = any_width(text.substr(a + 1));
  if (!weight || !activation) return std::nullopt;
  return BudgetSyntax{BudgetSyntax::Kind::uniform_scheme, 0, *weight, *activation};
}

std::optional<BudgetSyntax> measured(BudgetSyntax::Kind kind, std::string_view text, double per,
                                     double most) {
  const auto value = number<double>(text);
  if (!value || !(*value / per > 0 && *value / per <= most)) return std::nullopt;
  return BudgetSyntax{kind, *value / per, 0, 0};
}

}  // namespace

std::optional<std::int64_t> candidate_bits(const std::string& text) {
  if (text == "fp32") return 32;
  const auto colon = text.find(':');
  if (colon == std::string::npos || !is_method(std::string_view(text).substr(0, colon))) return std::nullopt;
  return quantized_width(std::string_view(text).substr(colon + 1));
}

std::string candidate_complaint(const std::string& text) {
  if (candidate_bits(text)) return {};
  return std::string("is no candidate: write METHOD:BITS (methods ") + methods() + "; 2 to 16 bits), or fp32";
}

std::optional<BudgetSyntax> read_budget(const std::string& text) {
  using Kind = BudgetSyntax::Kind;
  const std::string_view view = text;
  if (view.empty()) return BudgetSyntax{};
  if (view.starts_with('w')) return read_widths(view);
  if (view.ends_with("bits")) return measured(Kind::weight_bits, view.substr(0, view.size() - 4), 1, 32);
  if (view.ends_with("MB")) return measured(Kind::megabytes, view.substr(0, view.size() - 2), 1, 1e9);
  if (view.ends_with('%')) return measured(Kind::ratio, view.substr(0, view.size() - 1), 100, 1);
  return measured(Kind::ratio, view, 1, 1);
}

std::string budget_complaint(const std::string& text) {
  if (!text.empty() && read_budget(text)) return {};
  return "is no budget: write a uniform scheme (w4a8; 2 to 16 bits, or 32), a ratio to 32 bits everywhere "
         "(2% or "
         "0.02; at most 1 or 100%), or with search.cost=size mean weight bits (4.5bits) or megabytes (1.5MB)";
}

bool is_uniform_scheme(const std::string& text) {
  return text.starts_with(uniform) && text.find(':', uniform.size()) != std::string::npos;
}

std::string uniform_scheme_complaint(const std::string& text) {
  if (is_uniform_scheme(text)) {
    const std::string_view rest = std::string_view(text).substr(uniform.size());
    const auto colon = rest.find(':');
    if (is_method(rest.substr(0, colon)) && read_widths(rest.substr(colon + 1))) return {};
  }
  return std::string("is no uniform scheme: write uniform:METHOD:wXaY (methods ") + methods() +
         "; 2 to 16 bits, 32 for full precision), such as uniform:lsq+:w4a8";
}

std::optional<double> read_share(const std::string& text) {
  const auto value = number<double>(text);
  return value && *value >= 0 && *value <= 1 ? value : std::nullopt;
}

std::string share_complaint(const std::string& text) {
  if (text == "auto" || read_share(text)) return {};
  return "is neither auto nor a share from 0 to 1";
}

bool looks_like_an_option(const std::string& word) {
  if (word.starts_with("--")) return true;
  return word.size() > 1 && word[0] == '-' && std::isalpha(static_cast<unsigned char>(word[1])) != 0;
}

std::string sbatch_complaint(const std::string& text) {
  std::istringstream words(text);
  for (std::string word; words >> word;)
    if (word.size() < 3 || !word.starts_with("--") || word[2] == '=' || word[2] == '-')
      return "has the word " + word + ": write --name=value or --name, with blanks only between them";
  return {};
}

}  // namespace bitdarts::config
