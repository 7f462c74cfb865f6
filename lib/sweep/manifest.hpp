#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "sweep/tasks.hpp"

namespace bitdarts::sweep {

/// manifest.tsv: a header, then one line a task. The first column is its id; then, where the sweep has an
/// explicit list, `task` with the names of its lines; one column per swept key with the value ("-" where the
/// task has none); `kind` says sweep or baseline; the last is `overrides`, the options that its stages are
/// given, quoted for a shell.
struct Manifest {
  struct Row {
    std::string id, name, overrides;
    bool baseline = false;
    std::vector<std::string> values;  ///< by key
  };
  std::vector<std::string> keys;
  std::vector<Row> rows;
};

Manifest manifest_of(const std::vector<Task>& tasks);
std::string to_tsv(const Manifest& manifest);
/// InputError when the file cannot be read or is no manifest.
Manifest read_manifest(const std::filesystem::path& path);

/// Puts the text in its place whole, by a rename, unless it is there already. Several programs may do so at
/// once. Error when it cannot be written.
void write_if_changed(const std::filesystem::path& path, const std::string& text);

}  // namespace bitdarts::sweep
