#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "store/file.hpp"

namespace bitdarts::train {

struct AdamOptions {
  double learning_rate = 1e-3;
  double beta1 = 0.9, beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.0;  ///< decoupled (AdamW)
};

/// Adam (Kingma & Ba 2015) with decoupled weight decay (Loshchilov & Hutter 2019) over one flat array. The
/// update is element by element, so it gives the same bits however the array is cut.
template <class Real>  // float, double
class Adam {
 public:
  explicit Adam(std::size_t size) : first_(size, Real(0)), second_(size, Real(0)) {}

  /// `decays`: 1 where weight decay applies (empty: nowhere). `scale`: the unit each element is measured in,
  /// multiplying its learning rate (empty: 1).
  void step(std::span<Real> parameters, std::span<const Real> gradient, const AdamOptions& options,
            std::span<const std::uint8_t> decays = {}, std::span<const double> scale = {});

  /// What step() would make of the parameters, without doing it, and the diagonal of -d parameters' / d
  /// gradient (0 where there has not been a gradient yet).
  void virtual_step(std::span<const Real> parameters, std::span<const Real> gradient,
                    const AdamOptions& options, std::span<const std::uint8_t> decays, std::span<Real> moved,
                    std::span<Real> jacobian) const;

  /// /optimizer/<name>/{first_moment,second_moment}, attribute steps.
  void save(store::File& file, const std::string& name) const;
  void load(const store::File& file, const std::string& name);

 private:
  std::vector<Real> first_, second_;
  std::int64_t steps_ = 0;
};

/// Euclidean norm: squares are summed in double in eight lanes, element i in lane i mod 8, and the lanes in
/// order, on one thread.
template <class Real>
double norm(std::span<const Real> values);

/// Scales `gradient` so that its norm is at most `limit` (0: no limit). Returns the norm before, which is not
/// finite when the gradient is not.
template <class Real>
double clip_norm(std::span<Real> gradient, double limit);

/// Linear warm-up to `peak`, then a cosine down to `final_share` of it at `steps`. `step` counts from 0.
double warmup_cosine(std::int64_t step, std::int64_t steps, std::int64_t warmup, double peak,
                     double final_share);

}  // namespace bitdarts::train
