#pragma once
// A reference.h5 as far as evaluations read it, written at once by one process.
#include <algorithm>
#include <filesystem>
#include <vector>

#include "evaluate/reference.hpp"
#include "evaluate/rounds.hpp"

namespace evaluate_test {

using namespace bitdarts;

inline evaluate::StoredStates stored_states(const std::filesystem::path& path, evaluate::Network& network,
                                            std::span<const std::int32_t> tokens,
                                            std::span<const evaluate::Window> windows, std::int64_t context,
                                            std::size_t batch) {
  std::vector<float> rows;
  for (std::size_t first = 0; first < windows.size(); first += batch) {
    const auto part = windows.subspan(first, std::min(batch, windows.size() - first));
    const at::Tensor hidden = network.hidden(evaluate::token_batch(tokens, part, context, 0));
    for (std::size_t i = 0; i < part.size(); ++i) {
      const at::Tensor own = evaluate::scored_rows(hidden, part[i], i, context).contiguous();
      rows.insert(rows.end(), own.data_ptr<float>(), own.data_ptr<float>() + own.numel());
    }
  }
  const std::size_t dim = rows.size() / (tokens.size() - 1);
  store::File file = store::File::create(path);
  file.write<float>("/reference/hidden", rows, {tokens.size() - 1, dim});
  file.close();
  return {store::File::open(path), static_cast<std::int64_t>(tokens.size()) - 1,
          static_cast<std::int64_t>(dim)};
}

}  // namespace evaluate_test
