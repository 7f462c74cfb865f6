#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace bitdarts::stage {

/// The checkpoint files of one run: <out>/.checkpoints/<product stem>/<start of the key>-<step>.h5. Used on
/// rank 0 alone.
class CheckpointFiles {
 public:
  CheckpointFiles(const std::filesystem::path& product, const std::string& key);
  struct Entry {
    std::int64_t step;
    std::filesystem::path path;
  };
  /// Those of this key, newest step first.
  std::vector<Entry> newest_first() const;
  std::filesystem::path path_of(std::int64_t step) const;
  /// Keeps `step` and the one before it. Later ones were passed over, by damage or on request, and would be
  /// taken for newer than what is now being made. What a killed run did not finish writing goes too.
  void keep_up_to(std::int64_t step) const;
  void remove_all() const;

 private:
  void remove_unfinished() const;
  std::filesystem::path directory_;
  std::string prefix_;
};

}  // namespace bitdarts::stage
