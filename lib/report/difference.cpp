#include "report/difference.hpp"

#include <algorithm>

#include "report/format.hpp"

namespace bitdarts::report {
namespace {

// What is smaller may be printed as 0.00%, and nobody wins or loses by that.
constexpr double smallest = 0.000051;

bool finite(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); });
}

bool paired(const WindowLosses& a, const WindowLosses& b) {
  return a.nll.size() >= 2 && a.nll.size() == a.tokens.size() && b.nll.size() == a.nll.size() &&
         a.tokens == b.tokens && finite(a.nll) && finite(b.nll) && finite(a.tokens);
}

}  // namespace

Difference paired_difference(const WindowLosses& a, const WindowLosses& b) {
  if (!paired(a, b)) return {};
  double sum = 0, tokens = 0;
  for (std::size_t w = 0; w < a.nll.size(); ++w) {
    sum += a.nll[w] - b.nll[w];
    tokens += a.tokens[w];
  }
  if (!(tokens > 0)) return {};
  const double mean = sum / tokens;
  double squares = 0;
  for (std::size_t w = 0; w < a.nll.size(); ++w) {
    const double rest = a.nll[w] - b.nll[w] - mean * a.tokens[w];
    squares += rest * rest;
  }
  const auto n = static_cast<double>(a.nll.size());
  return {.mean = mean, .error = std::sqrt(n / (n - 1) * squares) / tokens, .windows = a.nll.size()};
}

Outcome outcome_of(double difference, double error) {
  if (std::isnan(difference) || std::abs(difference) < smallest) return Outcome::level;
  if (std::isfinite(error) && std::abs(difference) <= 2 * error) return Outcome::level;
  return difference < 0 ? Outcome::better : Outcome::worse;
}

std::string change_in_words(double change, double error) {
  const std::string text = signed_percent(change);
  return std::isfinite(change) && std::isfinite(error) ? text + " ± " + percent(error) : text;
}

}  // namespace bitdarts::report
