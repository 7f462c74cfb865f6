#include "train/search_tokens.hpp"

#include "config/config.hpp"
#include "core/error.hpp"
#include "store/product.hpp"

namespace bitdarts::train {

std::optional<std::int64_t> search_tokens(const store::File& searched, std::int64_t context) {
  if (searched.text_attribute("/search", "strategy").value_or("darts") != "darts") return 0;
  const auto steps = searched.int_attribute("/search", "steps");
  if (!steps) return std::nullopt;
  try {
    const auto made =
        config::from_product(store::read_provenance(searched).configuration, searched.path().string());
    return made.search.weights == "trained" ? *steps * made.search.batch * context : 0;
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace bitdarts::train
