#include "train/adam.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.hpp"
#include "train/finite.hpp"

namespace bitdarts::train {
namespace {

// The numbers of one update, shared by the real and the virtual step.
template <class Real>
struct Update {
  Real beta1, beta2, keep1, keep2, rate, correction2, epsilon, decay;
  Update(const AdamOptions& o, std::int64_t t)
      : beta1(static_cast<Real>(o.beta1)),
        beta2(static_cast<Real>(o.beta2)),
        keep1(static_cast<Real>(1 - o.beta1)),
        keep2(static_cast<Real>(1 - o.beta2)),
        rate(static_cast<Real>(o.learning_rate / (1 - std::pow(o.beta1, static_cast<double>(t))))),
        correction2(static_cast<Real>(1 / std::sqrt(1 - std::pow(o.beta2, static_cast<double>(t))))),
        epsilon(static_cast<Real>(o.epsilon)),
        decay(static_cast<Real>(o.learning_rate * o.weight_decay)) {}
};

}  // namespace

template <class Real>
void Adam<Real>::step(std::span<Real> parameters, std::span<const Real> gradient, const AdamOptions& options,
                      std::span<const std::uint8_t> decays, std::span<const double> scale) {
  const Update<Real> u(options, ++steps_);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const Real g = gradient[i];
    first_[i] = u.beta1 * first_[i] + u.keep1 * g;
    second_[i] = u.beta2 * second_[i] + u.keep2 * g * g;
    const Real unit = scale.empty() ? Real(1) : static_cast<Real>(scale[i]);
    const Real decay = decays.empty() || !decays[i] ? Real(0) : u.decay * parameters[i];
    parameters[i] -= unit * u.rate * first_[i] / (std::sqrt(second_[i]) * u.correction2 + u.epsilon) + decay;
  }
}

template <class Real>
void Adam<Real>::virtual_step(std::span<const Real> parameters, std::span<const Real> gradient,
                              const AdamOptions& options, std::span<const std::uint8_t> decays,
                              std::span<Real> moved, std::span<Real> jacobian) const {
  const Update<Real> u(options, steps_ + 1);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const Real g = gradient[i];
    const Real m = u.beta1 * first_[i] + u.keep1 * g;
    const Real v = u.beta2 * second_[i] + u.keep2 * g * g;
    const Real root = std::sqrt(v), below = root * u.correction2 + u.epsilon;
    const Real decay = decays.empty() || !decays[i] ? Real(0) : u.decay * parameters[i];
    moved[i] = parameters[i] - (u.rate * m / below + decay);  // as step() rounds it
    // d(m / below)/dg by the quotient rule; d root/dg = keep2 g / root. Where there never was a gradient (the
    // embedding of a token not seen yet) it would be 1/epsilon and drown every other direction: such a weight
    // does not move.
    jacobian[i] =
        root > 0 ? u.rate * (u.keep1 - m * u.correction2 * u.keep2 * g / (root * below)) / below : Real(0);
  }
}

template <class Real>
void Adam<Real>::save(store::File& file, const std::string& name) const {
  const std::string group = "/optimizer/" + name;
  file.write<Real>(group + "/first_moment", first_);
  file.write<Real>(group + "/second_moment", second_);
  file.set_attribute(group, "steps", steps_);
}

template <class Real>
void Adam<Real>::load(const store::File& file, const std::string& name) {
  const std::string group = "/optimizer/" + name;
  first_ = read_finite<Real>(file, group + "/first_moment", {first_.size()});
  second_ = read_finite<Real>(file, group + "/second_moment", {second_.size()});
  steps_ = file.required_int(group, "steps");
  const bool negative = std::any_of(second_.begin(), second_.end(), [](Real v) { return v < 0; });
  if (negative || steps_ < 0) {
    throw InputError("the optimiser has a state that it cannot have (a negative square or number of steps)",
                     file.path().string() + ":" + group, "start the stage with --resume=never");
  }
}

template <class Real>
double norm(std::span<const Real> values) {
  constexpr std::size_t lanes = 8;
  double sums[lanes] = {};
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double v = static_cast<double>(values[i]);
    sums[i % lanes] += v * v;
  }
  double total = 0;
  for (const double s : sums) total += s;
  return std::sqrt(total);
}

template <class Real>
double clip_norm(std::span<Real> gradient, double limit) {
  const double length = norm<Real>(gradient);
  if (limit > 0 && length > limit) {
    const Real factor = static_cast<Real>(limit / length);
    for (Real& g : gradient) g *= factor;
  }
  return length;
}

double warmup_cosine(std::int64_t step, std::int64_t steps, std::int64_t warmup, double peak,
                     double final_share) {
  if (step < warmup) return peak * static_cast<double>(step + 1) / static_cast<double>(warmup);
  const double along =
      static_cast<double>(step - warmup) / static_cast<double>(std::max<std::int64_t>(1, steps - warmup));
  return peak *
         (final_share + (1 - final_share) * 0.5 * (1 + std::cos(std::numbers::pi * std::min(1.0, along))));
}

template class Adam<float>;
template class Adam<double>;
template double norm<float>(std::span<const float>);
template double norm<double>(std::span<const double>);
template double clip_norm<float>(std::span<float>, double);
template double clip_norm<double>(std::span<double>, double);

}  // namespace bitdarts::train
