#pragma once
#include <map>
#include <string>
#include <vector>

#include "quant/candidate.hpp"
#include "quant/scheme.hpp"

namespace bitdarts::sweep {

/// How often which candidate was chosen for which kind of layer (q, k, v, o, gate, up, down, lm_head).
struct Choices {
  std::vector<std::string> kinds;            ///< in the order of the model
  std::vector<quant::Candidate> candidates;  ///< chosen at least once; by bits, then by method
  /// [kind][candidate] -> layers
  std::map<std::string, std::map<std::string, int>> weights, inputs;
  /// Of one kind, in all schemes.
  int layers(const std::string& kind) const;
};
Choices choices_of(const std::vector<const quant::Scheme*>& schemes);

/// "model.layers.3.self_attn.q_proj" -> "q"; a layer outside the blocks by its own name.
std::string kind_of(const std::string& layer);

}  // namespace bitdarts::sweep
