#include <mpi.h>

#include <array>

#include "core/error.hpp"
#include "stage/stage.hpp"

namespace bitdarts::stage {
namespace {

constexpr std::array<std::array<const char*, 2>, 6> makers{{{"tokens", "tokenize"},
                                                            {"pretrained", "pretrain"},
                                                            {"searched", "search"},
                                                            {"finetuned", "finetune"},
                                                            {"reference", "reference"},
                                                            {"evaluation", "evaluate"}}};

std::string mpi_version() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  BITDARTS_MPI(MPI_Get_library_version(text.data(), &length));
  const std::string all(text.data(), static_cast<std::size_t>(length));
  // "Open MPI v4.1.4, package: Debian OpenMPI, ident: ...": the name and the version are enough.
  return all.substr(0, all.find_first_of(",\n"));
}

}  // namespace

std::string stage_of(const std::string& product_name) {
  const std::string kind = product_name.substr(0, product_name.find('-'));
  for (const auto& [product, stage] : makers)
    if (kind == product) return stage;
  throw Error("no stage makes a product called " + product_name);
}

std::string product_of(const std::string& stage_name) {
  for (const auto& [product, stage] : makers)
    if (stage_name == stage) return product;
  throw Error("no stage that makes a product is called " + stage_name);
}

std::string maker_of(const std::string& product_name) { return "bitdarts-" + stage_of(product_name); }

std::string library_versions() { return mpi_version() + ", " + store::hdf5_version(); }

}  // namespace bitdarts::stage
