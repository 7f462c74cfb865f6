#include "report/layer_grid.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace bitdarts::report {
namespace {

const std::string block_prefix = "model.layers.";

struct Parts {
  std::string block, projection;
};

// "model.layers.3.self_attn.q_proj" -> "3", "q".
std::optional<Parts> parts_of(const std::string& layer) {
  if (!layer.starts_with(block_prefix)) return std::nullopt;
  const auto dot = layer.find('.', block_prefix.size()), last = layer.rfind('.');
  if (dot == std::string::npos || dot == block_prefix.size()) return std::nullopt;
  std::string projection = layer.substr(last + 1);
  if (projection.ends_with("_proj")) projection.resize(projection.size() - 5);
  return Parts{layer.substr(block_prefix.size(), dot - block_prefix.size()), projection};
}

std::size_t index_of(std::vector<std::string>& names, const std::string& name) {
  const auto at = std::find(names.begin(), names.end(), name);
  if (at != names.end()) return static_cast<std::size_t>(at - names.begin());
  names.push_back(name);
  return names.size() - 1;
}

}  // namespace

LayerGrid grid_of(const std::vector<std::string>& layers) {
  LayerGrid grid;
  grid.places.resize(layers.size());
  for (std::size_t l = 0; l < layers.size(); ++l)
    if (const auto parts = parts_of(layers[l]))
      grid.places[l] = {index_of(grid.rows, "block " + parts->block),
                        index_of(grid.columns, parts->projection)};
  if (grid.columns.empty()) grid.columns.emplace_back();
  for (std::size_t l = 0; l < layers.size(); ++l)
    if (!parts_of(layers[l])) grid.places[l] = {index_of(grid.rows, layers[l]), 0};
  return grid;
}

}  // namespace bitdarts::report
