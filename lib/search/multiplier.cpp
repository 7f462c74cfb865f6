#include "search/multiplier.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"

namespace bitdarts::search {
namespace {

// λ between 1/400 and 400: 1/C for a relative error C from a few parts in a thousand up.
constexpr double smallest_s = -6.0, largest_s = 6.0;
constexpr double unit_memory = 0.95;
constexpr double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;

}  // namespace

MultiplierMode parse_mode(const std::string& text) {
  if (text == "fixed") return MultiplierMode::fixed;
  if (text == "dual") return MultiplierMode::dual;
  if (text == "uncertainty") return MultiplierMode::uncertainty;
  throw ConfigError("unknown mode '" + text + "' of a multiplier", "search",
                    "use dual, uncertainty or fixed");
}

Multiplier::Multiplier(const MultiplierOptions& options) : options_(options), lambda_(options.start) {
  if (options.mode == MultiplierMode::uncertainty) {
    log_variance_ = std::clamp(-std::log(std::max(options.start, 1e-30)), smallest_s, largest_s);
  }
}

void Multiplier::observe(double rest_norm, double cost_norm) {
  if (options_.mode != MultiplierMode::dual || cost_norm <= 0 || !std::isfinite(rest_norm)) return;
  const double now = rest_norm / cost_norm;
  unit_ = unit_ == 0 ? now : unit_memory * unit_ + (1 - unit_memory) * now;
}

double Multiplier::unit(double target) const { return unit_ > 0 ? unit_ : 1 / target; }

double Multiplier::effective(double cost, double target) const {
  if (options_.mode != MultiplierMode::dual) return value();
  return std::max(0.0, lambda_ + options_.damping * unit(target) * (cost / target - 1));
}

void Multiplier::update(double cost, double target) {
  if (options_.mode == MultiplierMode::dual) {
    lambda_ = std::max(0.0, lambda_ + options_.rate * unit(target) * (cost / target - 1));
  } else if (options_.mode == MultiplierMode::uncertainty) {
    const double gradient = 1 - std::exp(-log_variance_) * cost;
    ++steps_;
    first_ = beta1 * first_ + (1 - beta1) * gradient;
    second_ = beta2 * second_ + (1 - beta2) * gradient * gradient;
    const double t = static_cast<double>(steps_);
    const double mean = first_ / (1 - std::pow(beta1, t)), square = second_ / (1 - std::pow(beta2, t));
    log_variance_ = std::clamp(log_variance_ - options_.rate * mean / (std::sqrt(square) + epsilon),
                               smallest_s, largest_s);
  }
}

double Multiplier::value() const {
  return options_.mode == MultiplierMode::uncertainty ? std::exp(-log_variance_) : lambda_;
}

void Multiplier::save(store::File& file, const std::string& name) const {
  const double state[] = {lambda_, log_variance_, first_, second_, static_cast<double>(steps_), unit_};
  file.write<double>("/state/multiplier/" + name, state);
}

void Multiplier::load(const store::File& file, const std::string& name) {
  const auto state = file.read<double>("/state/multiplier/" + name, {6});
  for (const double value : state) {
    if (!std::isfinite(value) || state[4] < 0 || state[4] > 1e15) {
      throw InputError("the multiplier has a state that it cannot have",
                       file.path().string() + ", /state/multiplier/" + name,
                       "start the stage with --resume=never");
    }
  }
  lambda_ = state[0], log_variance_ = state[1], first_ = state[2], second_ = state[3];
  steps_ = static_cast<std::int64_t>(state[4]);
  unit_ = state[5];
}

}  // namespace bitdarts::search
