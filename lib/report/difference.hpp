#pragma once
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

namespace bitdarts::report {

/// Losses of one evaluation, window by window: nll [windows] in nats, tokens [windows] scored in each. Empty
/// when the evaluation does not hold them.
struct WindowLosses {
  std::vector<double> nll, tokens;
};

/// How much higher the loss of one model is than that of another on the same text.
struct Difference {
  double mean = NAN;   ///< nats per token; below 0: the first model is better; infinite: one has diverged
  double error = NAN;  ///< standard error of the mean; NaN when it is not known
  std::size_t windows = 0;  ///< pairs behind the error
  /// Perplexity of the first over that of the second, minus 1, and its standard error (to first order).
  double change() const { return std::expm1(mean); }
  double change_error() const { return std::exp(mean) * error; }
};

/// The ratio estimator with windows as the sampling units (Cochran, Sampling Techniques, 3rd ed., eq. 6.9):
/// with d = a.nll - b.nll and t the tokens of a window, the mean is R = Σd / Σt and its variance
/// n / (n - 1) · Σ(d - R t)² / (Σt)². Every token is scored in one window only, whatever the stride; windows
/// are taken as independent, which neighbours that share context are not quite. No error, and a mean of NaN,
/// unless both hold the same two or more windows.
Difference paired_difference(const WindowLosses& a, const WindowLosses& b);

enum class Outcome { better, level, worse };
/// Level: a difference within two standard errors, or one that would be printed as 0.00%. Without an error
/// (NaN) the sign decides. For either kind of number: nats and their error, or a change and its error.
Outcome outcome_of(double difference, double error);

/// "+6.72% ± 0.31%"; without the error where there is none.
std::string change_in_words(double change, double error);

}  // namespace bitdarts::report
