#pragma once
#include <span>
#include <vector>

#include "model/layout.hpp"
#include "store/file.hpp"

namespace bitdarts::model {

/// /model/<name> datasets and the shape as attributes of /model.
void save_model(store::File& file, const ModelShape& shape, const ParameterLayout& layout,
                std::span<const float> parameters);
/// InputError when a size is missing or they do not fit together.
ModelShape load_shape(const store::File& file);
/// InputError when a tensor is missing, has another shape, or is not finite (the first bad element is named).
std::vector<float> load_parameters(const store::File& file, const ParameterLayout& layout);

}  // namespace bitdarts::model
