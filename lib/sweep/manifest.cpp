#include "sweep/manifest.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "core/error.hpp"
#include "sweep/shell.hpp"

namespace bitdarts::sweep {
namespace {

namespace fs = std::filesystem;

constexpr const char *none = "-", *empty_text = "\"\"";

// A cell holds no tab, and is never empty: shells swallow empty cells.
std::string cell(std::string text) {
  std::replace(text.begin(), text.end(), '\t', ' ');
  return text.empty() ? empty_text : text;
}

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream stream(line);
  for (std::string text; std::getline(stream, text, '\t');) cells.push_back(text);
  return cells;
}

std::string line_of(const std::vector<std::string>& cells) {
  std::string line;
  for (const std::string& text : cells) line += (line.empty() ? "" : "\t") + text;
  return line + "\n";
}

std::string text_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return file ? text.str() : std::string{};
}

}  // namespace

Manifest manifest_of(const std::vector<Task>& tasks) {
  Manifest manifest{swept_keys(tasks), {}};
  for (const Task& task : tasks) {
    Manifest::Row row{task.id, task.name, shell_words(task.overrides), task.baseline, {}};
    for (const std::string& key : manifest.keys) {
      const bool has = std::any_of(task.settings.begin(), task.settings.end(),
                                   [&](const auto& setting) { return setting.first == key; });
      row.values.push_back(has ? cell(value_of(task, key)) : none);
    }
    manifest.rows.push_back(std::move(row));
  }
  return manifest;
}

std::string to_tsv(const Manifest& manifest) {
  const bool named = std::any_of(manifest.rows.begin(), manifest.rows.end(),
                                 [](const Manifest::Row& row) { return !row.name.empty(); });
  std::vector<std::string> header{"id"};
  if (named) header.emplace_back("task");
  header.insert(header.end(), manifest.keys.begin(), manifest.keys.end());
  header.insert(header.end(), {"kind", "overrides"});
  std::string text = line_of(header);
  for (const Manifest::Row& row : manifest.rows) {
    std::vector<std::string> cells{row.id};
    if (named) cells.push_back(row.name.empty() ? none : row.name);
    cells.insert(cells.end(), row.values.begin(), row.values.end());
    cells.insert(cells.end(), {row.baseline ? "baseline" : "sweep", cell(row.overrides)});
    text += line_of(cells);
  }
  return text;
}

Manifest read_manifest(const fs::path& path) {
  std::istringstream lines(text_of(path));
  std::string line;
  std::getline(lines, line);
  auto header = cells_of(line);
  const std::size_t columns = header.size();
  if (columns < 3 || header.front() != "id" || header[columns - 2] != "kind" || header.back() != "overrides")
    throw InputError("this is no manifest of a sweep", path.string(),
                     "bitdarts-sweep --config INI --out DIR writes one");
  const std::size_t first = header[1] == "task" ? 2 : 1;
  Manifest manifest{{header.begin() + static_cast<std::ptrdiff_t>(first), header.end() - 2}, {}};
  while (std::getline(lines, line)) {
    const auto cells = cells_of(line);
    if (cells.size() != columns)
      throw InputError("a line of the manifest has " + std::to_string(cells.size()) + " cells instead of " +
                           std::to_string(columns),
                       path.string() + ": " + line, "let bitdarts-sweep write it again");
    Manifest::Row row{cells.front(),
                      first == 2 && cells[1] != none ? cells[1] : "",
                      cells.back(),
                      cells[columns - 2] == "baseline",
                      {cells.begin() + static_cast<std::ptrdiff_t>(first), cells.end() - 2}};
    manifest.rows.push_back(std::move(row));
  }
  return manifest;
}

void write_if_changed(const fs::path& path, const std::string& text) {
  if (text_of(path) == text) return;
  std::error_code failed;
  fs::create_directories(path.parent_path(), failed);
  const fs::path temporary = path.string() + "." + std::to_string(getpid()) + ".tmp";
  {
    std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
    file << text;
    file.close();
    if (!file) {
      fs::remove(temporary, failed);
      throw Error("cannot write the file", path.string(), "look at free space, quota and write permission");
    }
  }
  fs::rename(temporary, path, failed);
  if (failed) throw Error("cannot put the file in its place (" + failed.message() + ")", path.string());
}

}  // namespace bitdarts::sweep
