#include "train/memory.hpp"

#include <algorithm>
#include <cstdio>

#include "comm/together.hpp"
#include "core/available_memory.hpp"
#include "core/error.hpp"
#include "model/torch.hpp"

namespace bitdarts::train {
namespace {

// In doubles: the sizes of a slip of the pen do not fit 64 bits.
double parameters_of(const model::ModelShape& s) {
  const auto dim = static_cast<double>(s.dim), ffn = static_cast<double>(s.ffn);
  const auto head = static_cast<double>(s.head_size());
  const double queries = static_cast<double>(s.heads) * head, keys = static_cast<double>(s.kv_heads) * head;
  const double block = 2 * dim * queries + 2 * dim * keys + 3 * dim * ffn + 2 * dim;
  const double table = static_cast<double>(s.vocab) * dim;
  return static_cast<double>(s.layers) * block + (s.tied_embeddings ? 1 : 2) * table + dim;
}

int ranks_on_this_machine(const comm::Communicator& world) {
  MPI_Comm here = MPI_COMM_NULL;
  int ranks = 1;
  BITDARTS_MPI(MPI_Comm_split_type(world.handle(), MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &here));
  BITDARTS_MPI(MPI_Comm_size(here, &ranks));
  BITDARTS_MPI(MPI_Comm_free(&here));
  return ranks;
}

std::string gigabytes(double bytes) {
  char text[64];
  std::snprintf(text, sizeof text, bytes < 1e12 ? "%.1f GB" : "%.0f GB", bytes * 1e-9);
  return text;
}

}  // namespace

MemoryUse training_memory(std::int64_t batch, std::int64_t shards) {
  return {.copies = 6, .sequences = static_cast<double>(batch) / static_cast<double>(shards)};
}

double least_memory(const model::ModelShape& shape, const MemoryUse& use) {
  constexpr double bytes = sizeof(float);
  const auto dim = static_cast<double>(shape.dim), ffn = static_cast<double>(shape.ffn);
  // Of a block: what enters its two norms, its queries and what attention gives; both inputs of SwiGLU.
  const double blocks = use.backward ? static_cast<double>(shape.layers) : 1;
  const double of_token = blocks * (4 * dim + 2 * ffn);
  return bytes *
         (use.copies * parameters_of(shape) + use.sequences * static_cast<double>(shape.context) * of_token);
}

void require_memory(const stage::Context& context, const model::ModelShape& shape, const MemoryUse& use) {
  const bool on_host = context.config.run.device == "cpu" || !at::hasCUDA();
  const double least = least_memory(shape, on_host ? use : MemoryUse{});
  const auto ranks = static_cast<double>(ranks_on_this_machine(context.world));
  comm::together(context.world, [&] {
    const double available = available_memory();
    const bool fits = least * ranks <= available && least <= address_space_limit();
    if (fits) return;
    char parameters[64];
    std::snprintf(parameters, sizeof parameters, "%.3g", parameters_of(shape));
    std::string what =
        "a model of " + std::string(parameters) + " parameters needs at least " + gigabytes(least);
    if (ranks > 1)
      what += " a rank, " + gigabytes(least * ranks) + " for the " + std::to_string(int(ranks)) +
              " of this machine,";
    what += " and " + gigabytes(std::min(available, address_space_limit())) + " are left";
    throw ConfigError(what, "the memory of this machine",
                      "smaller sizes in [model], a smaller batch (or more run.shards), fewer ranks on a "
                      "machine, or a larger one");
  });
}

}  // namespace bitdarts::train
