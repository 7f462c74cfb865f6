#include "stage/checkpoints.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace bitdarts::stage {
namespace {

namespace fs = std::filesystem;

// "<prefix>120.h5" is step 120; anything else in the directory is none of this run's business.
std::optional<std::int64_t> step_of(const std::string& name, const std::string& prefix) {
  if (!name.starts_with(prefix) || !name.ends_with(".h5")) return std::nullopt;
  std::int64_t step = 0;
  const char* const end = name.data() + name.size() - 3;
  const auto [stopped, error] = std::from_chars(name.data() + prefix.size(), end, step);
  if (error != std::errc{} || stopped != end || step < 0) return std::nullopt;
  return step;
}

}  // namespace

CheckpointFiles::CheckpointFiles(const fs::path& product, const std::string& key)
    : directory_(product.parent_path() / ".checkpoints" / product.stem()), prefix_(key.substr(0, 16) + "-") {}

std::vector<CheckpointFiles::Entry> CheckpointFiles::newest_first() const {
  std::vector<Entry> entries;
  std::error_code absent;
  for (const auto& file : fs::directory_iterator(directory_, absent))
    if (const auto step = step_of(file.path().filename().string(), prefix_))
      entries.push_back({*step, file.path()});
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.step > b.step; });
  return entries;
}

fs::path CheckpointFiles::path_of(std::int64_t step) const {
  return directory_ / (prefix_ + std::to_string(step) + ".h5");
}

void CheckpointFiles::keep_up_to(std::int64_t step) const {
  remove_unfinished();
  int kept = 0;
  for (const Entry& entry : newest_first())
    if (entry.step > step || ++kept > 2) fs::remove(entry.path);
}

void CheckpointFiles::remove_all() const {
  remove_unfinished();
  for (const Entry& entry : newest_first()) fs::remove(entry.path);
  // Only empty directories go: another configuration may have left a checkpoint of its own.
  std::error_code not_empty;
  fs::remove(directory_, not_empty);
  fs::remove(directory_.parent_path(), not_empty);
}

void CheckpointFiles::remove_unfinished() const {
  std::vector<fs::path> unfinished;
  std::error_code absent;
  for (const auto& file : fs::directory_iterator(directory_, absent)) {
    const std::string name = file.path().filename().string();
    if (name.starts_with(prefix_) && name.ends_with(".tmp")) unfinished.push_back(file.path());
  }
  for (const fs::path& file : unfinished) fs::remove(file);
}

}  // namespace bitdarts::stage
