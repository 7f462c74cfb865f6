#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "comm/communicator.hpp"
#include "data/corpus.hpp"
#include "model/layout.hpp"
#include "quant/bank.hpp"

namespace bitdarts::train {

/// One batch of the run: which samples, drawn how.
struct Batch {
  const data::Sampler& sampler;
  std::int64_t step;
  std::int64_t sequences;  ///< over all shards
};

/// Which gradients a pass is asked for. What is not asked for is not computed.
enum class Wanted {
  all,          ///< weights, α and θ
  weights,      ///< the weights alone: alpha and theta stay empty, and of the sums there is only the maximum
  architecture  ///< α and θ alone: of the weights, those that are not quantized have gradient 0
};

/// What the gradient pass is asked for beyond the loss.
struct Objective {
  double error_multiplier = 0;  ///< λ_err
  double clip_decay = 0;        ///< PACT λ_a
  double temperature = 1;       ///< τ, for the α gradient
  Wanted wanted = Wanted::all;
  /// Of L_err and the error sums. fisher costs a light pass over the weights for every shard, and depends on
  /// the number of shards (quant/weight_errors.hpp).
  quant::ErrorMeasure error_measure = quant::ErrorMeasure::relative;
};

/// The gradient of the mean loss over the whole batch, the same to the last bit on every rank and for every
/// number of ranks.
template <class Real>
struct Gradient {
  double loss = 0;                   ///< mean NLL [nats per token]
  double error = 0;                  ///< L_err; fisher: in nats per token
  std::span<Real> weights;           ///< [layout.total], owned by the engine until its next call
  std::vector<double> alpha, theta;  ///< empty without a bank
  std::vector<std::vector<quant::MixedSums>> sums;    ///< by site: per channel (weights), one (inputs)
  std::vector<std::vector<double>> candidate_errors;  ///< quant::candidate_errors() by site; empty with alpha
};

/// The largest |x| that the pass saw at each input site [sites].
template <class Real>
std::vector<double> maxima_of(const Gradient<Real>& gradient) {
  std::vector<double> maxima;
  for (const auto& sums : gradient.sums) maxima.push_back(sums.empty() ? 0.0 : sums.front().maximum);
  return maxima;
}

/// Forward and backward over the K virtual shards of a batch, summed over the ranks by the shard tree.
/// The one place where LibTorch, the bank and MPI meet; pretrain, search and finetune are its clients.
/// What is collective and takes long throws Interrupted on all ranks, with the parameters and the state that
/// is saved unharmed, some seconds after a signal (comm::step_patience()).
template <class Real>  // float, double
class Engine {
 public:
  /// `device`: "cpu" or "cuda".
  Engine(const comm::Communicator& world, std::int64_t shards, const model::ModelShape& shape,
         const model::ParameterLayout& layout, const std::string& device);
  ~Engine();

  /// `bank` null: full precision. Refreshes the bank's weight maxima (uniform) from `parameters`.
  Gradient<Real> gradient(std::span<const Real> parameters, quant::Bank* bank, const Batch& batch,
                          const Objective& objective);
  /// Mean loss of the batch, no gradient.
  double loss(std::span<const Real> parameters, quant::Bank* bank, const Batch& batch);
  /// The same computed by this rank alone, the whole batch, a few sequences at a time: not collective, and
  /// the same bits on every rank. For measurements that the ranks divide among themselves. `poll` is called
  /// after every few sequences.
  double own_loss(std::span<const Real> parameters, quant::Bank* bank, const Batch& batch,
                  const std::function<void()>& poll = {});
  /// For an error message, when a loss is not finite: the first weight or quantizer that holds a number that
  /// is none; else the first layer, in forward order, at whose input one arrives. Collective.
  std::string locate_not_finite(std::span<const Real> parameters, const quant::Bank* bank,
                                const Batch& batch);
  /// Full-precision forward over `sequences` samples of step 0, and from what arrives at each input site the
  /// start of its quantizers (weights: from the weights themselves). Done on every rank alike, then rank 0's
  /// numbers are taken.
  void calibrate(std::span<const Real> parameters, quant::Bank& bank, const data::Sampler& sampler,
                 std::int64_t sequences);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bitdarts::train
