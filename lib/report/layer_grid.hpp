#pragma once
#include <cstddef>
#include <string>
#include <vector>

namespace bitdarts::report {

/// Where each layer stands in a picture: a row per transformer block, a column per projection ("q", "gate");
/// other layers (the output head) in rows of their own below.
struct LayerGrid {
  struct Place {
    std::size_t row = 0, column = 0;
  };
  std::vector<std::string> rows, columns;
  std::vector<Place> places;  ///< by layer, in the order given
};
LayerGrid grid_of(const std::vector<std::string>& layers);

}  // namespace bitdarts::report
