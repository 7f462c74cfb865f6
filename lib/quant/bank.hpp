#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "quant/mixed.hpp"
#include "quant/scheme.hpp"

namespace bitdarts::quant {

enum class Role { weight, input };

/// One tensor that is quantized: the weight of a layer, or the input of one layer (of several that share it,
/// when tied). `alpha` and `range`/`offset` are positions in the bank's flat vectors; tied weights share
/// `alpha`, never their ranges.
struct Site {
  std::string name;  ///< layer (for a shared input: the first layer of the group)
  Role role = Role::weight;
  std::vector<Candidate> candidates;
  std::int64_t channels = 1;        ///< scales per candidate: 1, or out_features
  double elements = 1;              ///< N of the LSQ gradient scale g = 1/sqrt(N Qp)
  std::size_t alpha = 0;            ///< [candidates]
  std::size_t range = 0;            ///< [candidates, channels] in theta: step, clip or maximum
  std::size_t offset = 0;           ///< [candidates] in theta (lsq+ inputs; else 0 and fixed)
  std::vector<std::size_t> layers;  ///< the layers it serves

  std::size_t range_at(std::size_t candidate, std::int64_t channel) const {
    return range + candidate * static_cast<std::size_t>(channels) + static_cast<std::size_t>(channel);
  }
};

/// How to build a bank.
struct BankOptions {
  bool per_channel = false;       ///< weight scales per output channel
  bool tie_shared_input = false;  ///< q,k,v and gate,up share the choice, and one input quantizer
  std::int64_t context = 1;       ///< tokens per sample, for the N of input sites
};

/// All quantizers of a network: the sites, and their numbers in three flat vectors of doubles (α, θ, and p of
/// this step), so that optimisers, reductions and files see arrays. No tensor, no gradient: those are free
/// functions below.
struct Bank {
  std::vector<LayerShape> layers;
  std::vector<Site> sites;               ///< weight sites in layer order, then input sites
  std::vector<std::size_t> weight_site;  ///< by layer
  std::vector<std::size_t> input_site;   ///< by layer
  std::vector<double> alpha;             ///< architecture parameters
  std::vector<double> theta;             ///< ranges and offsets
  std::vector<double> probability;       ///< p of this step's mixture, laid out as alpha
  std::vector<double> noise_free;        ///< the same without Gumbel noise: what costs and records are about

  std::span<const double> probabilities(const Site& site) const {
    return {probability.data() + site.alpha, site.candidates.size()};
  }
  std::span<const double> noise_free_probabilities(const Site& site) const {
    return {noise_free.data() + site.alpha, site.candidates.size()};
  }
  double expected_bits(const Site& site) const;  ///< without noise
};

/// Every layer with the same candidate sets (the search).
Bank make_search_bank(std::vector<LayerShape> layers, const std::vector<Candidate>& weights,
                      const std::vector<Candidate>& inputs, const BankOptions& options);
/// One candidate per site (finetune, evaluate). Tying shares the input site where all layers of a group agree
/// on the input.
Bank make_scheme_bank(std::vector<LayerShape> layers, const Scheme& scheme, const BankOptions& options);

/// p = softmax((α + noise) / τ) per site, and the same without noise; `noise` is empty or laid out as alpha
/// (Gumbel).
void update_probabilities(Bank& bank, double temperature, std::span<const double> noise = {});

/// The candidates of one site, ready for the kernels.
template <class Real>
std::vector<BoundCandidate<Real>> bound_candidates(const Bank& bank, const Site& site,
                                                   std::int64_t channel = 0);

/// Weights: ranges as start_for_weights() has them for every candidate and channel. `weights`: row-major
/// [out, in] of the site's layer.
void initialise_weight_site(Bank& bank, const Site& site, std::span<const float> weights);
/// Inputs: ranges and offsets from calibration values.
void initialise_input_site(Bank& bank, const Site& site, std::span<const float> values);
/// uniform on weights has no parameter: its range is max|W| of this step.
template <class Real>
void refresh_weight_maxima(Bank& bank, const Site& site, std::span<const Real> weights);
/// uniform on inputs: m <- momentum m + (1 - momentum) max|x|, from the maximum over all shards of one
/// optimisation step.
void update_input_maximum(Bank& bank, const Site& site, double maximum, double momentum = 0.99);

/// W~ = sum_i p_i Q_i(W) for one layer.
template <class Real>
void mix_weights(const Bank& bank, const Site& site, std::span<const Real> weights, std::span<Real> mixed);
/// Statistics and dL/dW from dL/dW~ (may alias). One MixedSums per channel.
template <class Real>
std::vector<MixedSums> mixed_weight_backward(const Bank& bank, const Site& site,
                                             std::span<const Real> weights, std::span<const Real> gradient,
                                             std::span<Real> weight_gradient,
                                             ErrorMeasure measure = ErrorMeasure::relative);

/// dL/dW alone, bit for bit as above.
template <class Real>
void mixed_weight_backward_values(const Bank& bank, const Site& site, std::span<const Real> weights,
                                  std::span<const Real> gradient, std::span<Real> weight_gradient);

/// What one objective adds up to for one site.
struct SiteObjective {
  double error_multiplier = 0;  ///< λ_err times this site's share in L_err
  double clip_decay = 0;        ///< λ_a of PACT's λ_a a^2
  double temperature = 1;
  bool task_gradient = true;                      ///< false: the sums carry no G (only L_err)
  ErrorMeasure measure = ErrorMeasure::relative;  ///< that the sums were made with
  double tokens = 1;                              ///< fisher: T, those that G is the mean loss of
};
/// Per candidate, over all channels. relative: e_j = sum (Q_j(x) - x)^2 / (sum x^2 + ε count). fisher, in
/// nats per token: F_j = T/2 sum H (Q_j(x) - x)^2, what the quantization adds to the mean loss by its
/// curvature, the Hessian taken as the diagonal of the empirical Fisher matrix (LeCun, Denker, Solla 1990).
std::vector<double> candidate_errors(const Site& site, std::span<const MixedSums> sums,
                                     const SiteObjective& objective);
/// Σ_j p_j e_j, or Σ_j p_j F_j, of a site.
double expected_error(const Bank& bank, const Site& site, std::span<const MixedSums> sums,
                      const SiteObjective& objective = {});
/// METHOD section 3 and 4: adds the gradients of L_CE + λ_err L_err + λ_a a^2 with respect to α and θ (LSQ's
/// g applied). `sums`: one per channel (weights) or one (inputs).
void add_site_gradients(const Bank& bank, const Site& site, std::span<const MixedSums> sums,
                        const SiteObjective& objective, std::span<double> alpha_gradient,
                        std::span<double> theta_gradient);

/// The gradient of Σ_j p_j value_j, p = softmax(α/τ): adds weight p_k/τ (value_k - Σ_j p_j value_j) to
/// d/dα_k.
void add_softmax_gradient(std::span<const double> p, std::span<const double> values, double temperature,
                          double weight, std::span<double> gradient);

/// Which elements of theta are trained: 1 for lsq+ steps, lsq+ input offsets and pact clips, else 0.
std::vector<std::uint8_t> trained_theta(const Bank& bank);
/// The size in which each element of theta is measured by the optimiser: its range, or for an offset the half
/// width of its range.
std::vector<double> theta_scale(const Bank& bank);
/// Projection after an update: ranges stay positive.
void project_theta(Bank& bank);

/// Input statistics as a flat array that shards can be summed in: 6 per candidate, then square and count, per
/// input site. Maxima are not sums, and go their own way.
std::size_t packed_sums_size(const Bank& bank);
void pack_sums(const Bank& bank, std::span<const MixedSums> by_site, std::span<double> flat);
std::vector<MixedSums> unpack_sums(const Bank& bank, std::span<const double> flat);

}  // namespace bitdarts::quant
