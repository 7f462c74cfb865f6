#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "data/corpus.hpp"
#include "model/layout.hpp"
#include "store/metrics.hpp"
#include "train/adam.hpp"
#include "train/engine.hpp"

namespace bitdarts::train {

/// The network weights with their optimiser: what pretraining, the inner level and finetuning all update.
template <class Real>
class Weights {
 public:
  /// `trained` false: no optimiser state is kept, and update() must not be called.
  Weights(const model::ParameterLayout& layout, std::vector<Real> values, bool trained = true);
  std::span<const Real> values() const { return values_; }
  /// Checks the gradient (Error naming `stage`, step and tensor when it is not finite), clips it, one AdamW
  /// step. Returns the norm before.
  double update(std::span<Real> gradient, std::int64_t step, const AdamOptions& options, double clip,
                const std::string& stage = "training");
  /// Error that names the tensor when an element is not finite.
  void require_finite_gradient(std::span<const Real> gradient, std::int64_t step,
                               const std::string& stage) const;
  /// The tensor that an element of the flat buffer belongs to.
  const std::string& name_of(std::size_t element) const;
  void require_finite_values(std::int64_t step, const std::string& stage) const;
  /// See Adam::virtual_step. The gradient is clipped as update() would.
  void virtual_update(std::span<Real> gradient, const AdamOptions& options, double clip,
                      std::span<Real> moved, std::span<Real> jacobian) const;
  void save_state(store::File& file) const;  ///< /state/parameters and /optimizer/weights
  void load_state(const store::File& file);
  const Adam<Real>& optimiser() const { return adam_; }

 private:
  const model::ParameterLayout& layout_;
  std::vector<Real> values_;
  std::vector<std::uint8_t> decays_;
  Adam<Real> adam_;
};

/// Validation during training: the mean loss of the same few batches of the search part, every `every` steps
/// and after the last one; with 0 after the last one alone. What training came to is always measured: schemes
/// are chosen by it (finetune.scheme = best).
class Validation {
 public:
  Validation(const data::Corpus& corpus, std::int64_t context, std::uint64_t seed, std::int64_t every,
             std::int64_t batches, std::int64_t sequences, std::int64_t steps);
  bool due(std::int64_t done) const;
  template <class Real>
  double loss(Engine<Real>& engine, std::span<const Real> parameters, quant::Bank* bank) const;
  /// Measures the loss after `done` steps and records it in the series "validation" of `metrics`, unless it
  /// is there already. When it is not a finite number: what `check` throws, or an Error about the loss.
  /// Collective.
  template <class Real>
  void record(std::int64_t done, Engine<Real>& engine, std::span<const Real> parameters, quant::Bank* bank,
              store::Metrics& metrics, const std::string& stage, const std::function<void()>& check) const;

 private:
  data::Sampler sampler_;
  std::int64_t every_, batches_, sequences_, steps_;
};

}  // namespace bitdarts::train
