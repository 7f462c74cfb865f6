#include "data/text_files.hpp"

#include <glob.h>

#include <algorithm>
#include <memory>
#include <set>
#include <system_error>

#include "core/error.hpp"

namespace bitdarts::data {

namespace fs = std::filesystem;

namespace {

bool has_text_name(const fs::path& file) {
  const fs::path extension = file.extension();
  return extension == ".txt" || extension == ".jsonl" || extension == ".gz";
}

bool hidden(const fs::path& file) { return file.filename().string().starts_with('.'); }

[[noreturn]] void cannot_list(const fs::path& directory, const std::error_code& error) {
  throw InputError("cannot list the directory: " + error.message(), directory.string(),
                   "check that you may read it and everything below");
}

std::vector<fs::path> files_below(const fs::path& directory) {
  std::vector<fs::path> found;
  std::error_code error;
  fs::recursive_directory_iterator entry(directory, error);
  if (error) cannot_list(directory, error);
  while (entry != fs::recursive_directory_iterator()) {
    if (hidden(entry->path())) {
      if (entry->is_directory(error)) entry.disable_recursion_pending();
    } else if (has_text_name(entry->path()) && entry->is_regular_file(error)) {
      found.push_back(entry->path());
    }
    entry.increment(error);
    if (error) cannot_list(directory, error);
  }
  if (found.empty()) {
    throw InputError(
        "no text in this directory", directory.string(),
        "put .txt, .gz, .jsonl or .jsonl.gz files there, or name other files by a glob in data.text");
  }
  return found;
}

std::vector<fs::path> expand_glob(const std::string& pattern) {
  glob_t matches{};
  const std::unique_ptr<glob_t, void (*)(glob_t*)> release(&matches, ::globfree);
  const int code = ::glob(pattern.c_str(), GLOB_BRACE | GLOB_TILDE | GLOB_NOSORT, nullptr, &matches);
  if (code != 0 && code != GLOB_NOMATCH) throw InputError("cannot expand the glob", "data.text = " + pattern);
  std::vector<fs::path> found;
  for (std::size_t i = 0; code == 0 && i < matches.gl_pathc; ++i) found.emplace_back(matches.gl_pathv[i]);
  return found;
}

std::vector<fs::path> files_of(const std::string& pattern) {
  std::error_code error;
  // A file whose name holds glob characters is meant when it is there.
  std::vector<fs::path> named =
      fs::exists(pattern, error) ? std::vector<fs::path>{pattern} : expand_glob(pattern);
  if (named.empty()) {
    throw InputError("no such file, directory or glob match", "data.text = " + pattern,
                     "check the path; it counts from the directory you start from");
  }
  std::vector<fs::path> files;
  for (const fs::path& path : named) {
    if (fs::is_directory(path, error)) {
      const std::vector<fs::path> below = files_below(path);
      files.insert(files.end(), below.begin(), below.end());
    } else if (fs::is_regular_file(path, error)) {
      files.push_back(path);
    } else {
      // The text is read more than once (hash, split, encode), which a pipe does not allow.
      throw InputError("not a regular file", path.string(), "save the text in a file first");
    }
  }
  return files;
}

}  // namespace

TextFormat format_of(const fs::path& file) {
  const fs::path name = file.extension() == ".gz" ? file.stem() : file.filename();
  return name.extension() == ".jsonl" ? TextFormat::json_lines : TextFormat::plain;
}

std::vector<fs::path> find_text_files(const std::vector<std::string>& patterns) {
  std::vector<fs::path> files;
  for (const std::string& pattern : patterns) {
    for (const fs::path& file : files_of(pattern)) files.push_back(file.lexically_normal());
  }
  std::sort(files.begin(), files.end(),
            [](const fs::path& a, const fs::path& b) { return a.native() < b.native(); });
  // The same file under two spellings or through a link is one text.
  std::set<std::string> seen;
  std::erase_if(files,
                [&](const fs::path& file) { return !seen.insert(fs::canonical(file).native()).second; });
  return files;
}

}  // namespace bitdarts::data
