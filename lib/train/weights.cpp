#include "train/weights.hpp"

#include <algorithm>
#include <cmath>

#include "train/finite.hpp"
#include "train/training_pass.hpp"

namespace bitdarts::train {

template <class Real>
Weights<Real>::Weights(const model::ParameterLayout& layout, std::vector<Real> values, bool trained)
    : layout_(layout),
      values_(std::move(values)),
      decays_(trained ? layout.total : 0, 0),
      adam_(trained ? layout.total : 0) {
  if (!trained) return;
  for (const auto& p : layout.parameters) {
    if (p.matrix)
      std::fill_n(decays_.begin() + static_cast<std::ptrdiff_t>(p.begin), p.size, std::uint8_t{1});
  }
}

template <class Real>
void Weights<Real>::require_finite_gradient(std::span<const Real> gradient, std::int64_t step,
                                            const std::string& stage) const {
  for (const auto& p : layout_.parameters) {
    const auto part = gradient.subspan(p.begin, p.size);
    if (first_not_finite(part) < p.size)
      require_finite(NAN, "the gradient of a weight", step, stage + ", " + p.name);
  }
}

template <class Real>
const std::string& Weights<Real>::name_of(std::size_t element) const {
  const auto holds = [&](const model::Parameter& p) { return element < p.begin + p.size; };
  return std::find_if(layout_.parameters.begin(), layout_.parameters.end(), holds)->name;
}

template <class Real>
void Weights<Real>::require_finite_values(std::int64_t step, const std::string& stage) const {
  const std::span<const Real> all(values_);
  for (const auto& p : layout_.parameters) {
    const std::size_t bad = first_not_finite(all.subspan(p.begin, p.size));
    if (bad < p.size)
      require_finite(NAN, "a weight", step, stage + ", " + p.name + ", element " + std::to_string(bad));
  }
}

template <class Real>
double Weights<Real>::update(std::span<Real> gradient, std::int64_t step, const AdamOptions& options,
                             double clip, const std::string& stage) {
  const double length = clip_norm<Real>(gradient, clip);
  if (!std::isfinite(length)) {
    require_finite_gradient(gradient, step, stage);
    require_finite(length, "the norm of the whole gradient", step, stage + ", all weights together");
  }
  adam_.step(values_, gradient, options, decays_);
  return length;
}

template <class Real>
void Weights<Real>::virtual_update(std::span<Real> gradient, const AdamOptions& options, double clip,
                                   std::span<Real> moved, std::span<Real> jacobian) const {
  const double length = clip_norm<Real>(gradient, clip);
  adam_.virtual_step(values_, gradient, options, decays_, moved, jacobian);
  if (clip > 0 && length > clip) {  // the clip factor is taken as constant
    for (Real& j : jacobian) j *= static_cast<Real>(clip / length);
  }
}

template <class Real>
void Weights<Real>::save_state(store::File& file) const {
  file.write<Real>("/state/parameters", values_);
  adam_.save(file, "weights");
}

template <class Real>
void Weights<Real>::load_state(const store::File& file) {
  values_ = read_finite<Real>(file, "/state/parameters", {values_.size()});
  adam_.load(file, "weights");
}

template class Weights<float>;
template class Weights<double>;

Validation::Validation(const data::Corpus& corpus, std::int64_t context, std::uint64_t seed,
                       std::int64_t every, std::int64_t batches, std::int64_t sequences, std::int64_t steps)
    : sampler_(corpus.search, context, seed, Stream::validation_batch),
      every_(every),
      batches_(std::max<std::int64_t>(1, batches)),
      sequences_(sequences),
      steps_(steps) {}

bool Validation::due(std::int64_t done) const { return done == steps_ || (every_ > 0 && done % every_ == 0); }

template <class Real>
double Validation::loss(Engine<Real>& engine, std::span<const Real> parameters, quant::Bank* bank) const {
  return mean_loss(engine, parameters, bank, sampler_, batches_, sequences_);
}
template double Validation::loss<float>(Engine<float>&, std::span<const float>, quant::Bank*) const;
template double Validation::loss<double>(Engine<double>&, std::span<const double>, quant::Bank*) const;

template <class Real>
void Validation::record(std::int64_t done, Engine<Real>& engine, std::span<const Real> parameters,
                        quant::Bank* bank, store::Metrics& metrics, const std::string& stage,
                        const std::function<void()>& check) const {
  const auto measured = metrics.column("validation", "step");
  if (!measured.empty() && measured.back() >= static_cast<double>(done)) return;
  const double measured_loss = loss(engine, parameters, bank);
  if (!std::isfinite(measured_loss)) {
    check();
    require_finite(measured_loss, "the validation loss", done, stage);
  }
  metrics.record("validation", {{"step", static_cast<double>(done)}, {"loss", measured_loss}});
}
template void Validation::record<float>(std::int64_t, Engine<float>&, std::span<const float>, quant::Bank*,
                                        store::Metrics&, const std::string&,
                                        const std::function<void()>&) const;
template void Validation::record<double>(std::int64_t, Engine<double>&, std::span<const double>, quant::Bank*,
                                         store::Metrics&, const std::string&,
                                         const std::function<void()>&) const;

}  // namespace bitdarts::train
