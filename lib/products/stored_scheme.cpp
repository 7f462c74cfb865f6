#include "products/stored_scheme.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"

namespace bitdarts::products {

quant::Scheme read_scheme(const store::File& file, const std::string& group) {
  const std::string table_dataset = group + "/table";
  if (!file.has(table_dataset)) return {};
  const std::string where = file.path().string() + ":" + table_dataset;
  try {
    return quant::parse_rows(file.read_text(table_dataset), where);
  } catch (const ConfigError& error) {  // a bad table inside a product is a bad input, not a bad option
    throw InputError(std::string("the stored scheme cannot be read: ") + error.what(), where);
  }
}

std::vector<StoredBudget> stored_budgets(const store::File& file) {
  std::vector<StoredBudget> budgets;
  if (!file.has("/schemes")) return budgets;
  const auto full = static_cast<double>(file.int_attribute("/search", "full_cost").value_or(0));
  std::vector<std::string> names = file.children("/schemes");
  std::sort(names.begin(), names.end(), [](const std::string& a, const std::string& b) {
    return std::pair(a.size(), a) < std::pair(b.size(), b);  // 10 after 9
  });
  for (const std::string& name : names) {
    const std::string group = "/schemes/" + name;
    const auto capacity = static_cast<double>(file.int_attribute(group, "capacity").value_or(0));
    budgets.push_back({file.text_attribute(group, "budget").value_or(""), group,
                       capacity > 0 && full > 0 ? capacity / full : std::nan("")});
  }
  return budgets;
}

std::map<std::string, int> uses_of(const quant::Scheme& scheme, bool weights) {
  std::map<std::string, int> uses;
  for (const auto& entry : scheme.entries) ++uses[quant::to_string(weights ? entry.weight : entry.input)];
  return uses;
}

std::vector<quant::LayerShape> layer_shapes(const store::File& file, const quant::Scheme& scheme) {
  std::vector<quant::LayerShape> layers;
  for (const auto& entry : scheme.entries) {
    std::string tensor = "/model/" + entry.layer + ".weight";
    // A head that shares the embedding has no tensor of its own.
    if (!file.has(tensor) && entry.layer == "lm_head") tensor = "/model/model.embed_tokens.weight";
    quant::LayerShape layer{entry.layer, 0, 0};
    if (file.has(tensor)) {
      const auto shape = file.info(tensor).shape;
      if (shape.size() == 2) {
        layer.out_features = static_cast<std::int64_t>(shape[0]);
        layer.in_features = static_cast<std::int64_t>(shape[1]);
      }
    }
    layers.push_back(layer);
  }
  return layers;
}

}  // namespace bitdarts::products
