#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "store/product.hpp"

namespace bitdarts::products {

/// One product that is there and whole.
struct Product {
  std::filesystem::path path;
  std::string content_hash;
  store::Provenance provenance;
  store::File file;
};

/// One finetuned and evaluated scheme beside the searched one: a subfolder of baselines/. The search of a
/// strategy lies in the folder of the first of its schemes.
struct Baseline {
  std::string folder;
  std::optional<Product> finetuned, evaluation, searched{};
  std::vector<std::string>
      problems{};  ///< damaged files; of those that are in the report they go to Products
};

/// What a pipeline has made so far. Anything may be missing.
struct Products {
  std::optional<Product> tokens, pretrained, searched, finetuned, evaluation;
  std::vector<Baseline> baselines;  ///< by folder name
  std::vector<std::string>
      problems;  ///< in words: damaged files, products that were made from others than those here
  std::vector<std::string>
      left{};  ///< folders below baselines/ that an earlier run left, and that are left out
  bool empty() const;
  /// Those that are there, in pipeline order, with the name they go by ("searched", "baselines/lsqplus_w4a8:
  /// evaluation").
  std::vector<std::pair<std::string, const Product*>> all() const;
};

/// Opens what is there. A damaged file, or one of another stage or schema version, is told in `problems` and
/// left out. Inputs may lie elsewhere (--in): tokens, pretrained and searched are looked for in `out` first.
/// With the configuration of the command, the baselines are those of its run alone (leave_out_earlier_runs);
/// without one all that lie there.
Products load_products(const std::filesystem::path& out, const std::filesystem::path& in,
                       const config::Config* given = nullptr);

/// One product, when it is there; what is wrong with it is added to `problems`, and it is left out.
std::optional<Product> load_product(const std::filesystem::path& path, const std::string& stage,
                                    std::vector<std::string>& problems);

/// The configuration that a product was made with; nullopt when this program cannot read it.
std::optional<config::Config> configuration_of(const Product& product);

}  // namespace bitdarts::products
