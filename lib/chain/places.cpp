#include "chain/places.hpp"

namespace bitdarts::chain {
namespace {

namespace fs = std::filesystem;

const std::string baselines = "baselines";

}  // namespace

fs::path baselines_in(const fs::path& folder) { return folder / baselines; }

fs::path baseline_place(const fs::path& folder, const std::string& name) {
  return baselines_in(folder) / name;
}

std::optional<std::string> baseline_with(const fs::path& file) {
  const fs::path folder = file.parent_path();
  if (folder.parent_path().filename() != baselines) return std::nullopt;
  return folder.filename().string();
}

std::string baseline_label(const std::string& name) { return baselines + "/" + name; }

}  // namespace bitdarts::chain
