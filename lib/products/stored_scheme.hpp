#pragma once
#include <map>
#include <string>
#include <vector>

#include "quant/scheme.hpp"
#include "store/file.hpp"

namespace bitdarts::products {

/// The stored scheme, read without knowing the model: one entry per line of /scheme/table. Empty when the
/// file has none; InputError when a line is not a scheme's.
/// `group`: another place of the same form, such as "/schemes/1".
quant::Scheme read_scheme(const store::File& file, const std::string& group = "/scheme");

/// A budget of a search, and where its scheme lies.
struct StoredBudget {
  std::string text, group;
  double allowed;  ///< over full cost; NaN without a limit
};
/// Those of /schemes, the first being that of /search; empty when the file has no such group.
std::vector<StoredBudget> stored_budgets(const store::File& file);

/// "lsq+:4" -> number of layers that use it, for the weights or the inputs of a scheme.
std::map<std::string, int> uses_of(const quant::Scheme& scheme, bool weights);

/// The quantized layers with their shapes, from the tensors of /model; a layer whose tensor is not there has
/// zeros.
std::vector<quant::LayerShape> layer_shapes(const store::File& file, const quant::Scheme& scheme);

}  // namespace bitdarts::products
