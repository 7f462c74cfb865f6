#pragma once
#include <string>

#include "store/file.hpp"

namespace bitdarts::search {

enum class MultiplierMode { fixed, dual, uncertainty };
MultiplierMode parse_mode(const std::string& text);

struct MultiplierOptions {
  MultiplierMode mode = MultiplierMode::fixed;
  double start = 0;    ///< λ at the start
  double rate = 0.01;  ///< dual: η, in balance units; uncertainty: Adam's learning rate of s
  double damping = 0;  ///< dual: ρ of the augmented Lagrangian, in balance units
};

/// The multiplier λ of one penalty C in L = L_CE + λ C (METHOD section 4), learned.
/// dual: λ <- max(0, λ + η u (C/T - 1)), and the loss sees max(0, λ + ρ u (C/T - 1)): the penalty's slope is
/// that of the augmented Lagrangian, which vanishes as soon as C <= T and λ has come down, so the cost
/// settles on T instead of swinging about it. u is the balance unit: the λ at which the penalty pulls at α as
/// hard as the rest of the objective does (a running mean of |dL_rest/dα| / |dC/dα|). α is trained by Adam,
/// which sees only that proportion: with gains in units of it the same η and ρ serve every network, budget
/// and λ_err, where fixed ones were 50 times too small or too large. uncertainty: λ = exp(-s), loss term
/// exp(-s) C + s (Kendall & Gal 2018), s by Adam and clamped. Encodes no budget.
class Multiplier {
 public:
  explicit Multiplier(const MultiplierOptions& options);
  /// dual: what |dL_rest/dα| and |dC/dα| are now.
  void observe(double rest_norm, double cost_norm);
  /// λ as the loss sees it at penalty value `cost` and target `target` (dual only).
  double effective(double cost, double target) const;
  void update(double cost, double target);
  double value() const;  ///< λ itself
  void save(store::File& file, const std::string& name) const;
  void load(const store::File& file, const std::string& name);

 private:
  double unit(double target) const;  ///< u; 1/T where nothing was observed

  MultiplierOptions options_;
  double lambda_ = 0;
  double unit_ = 0;                                   ///< u; 0: not observed yet
  double log_variance_ = 0, first_ = 0, second_ = 0;  ///< s and its Adam moments
  std::int64_t steps_ = 0;
};

}  // namespace bitdarts::search
