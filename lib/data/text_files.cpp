#include "data/text_files.hpp"

#include <glob.h>
#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <memory>
#include <set>
#include <system_error>
#include <utility>

#include "core/error.hpp"

namespace bitdarts::data {

namespace fs = std::filesystem;

namespace {

std::string lower_extension(const fs::path& file) {
  std::string extension = file.extension().string();
  for (char& letter : extension) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return extension;
}

bool has_json_name(const fs::path& file) {
  const std::string extension = lower_extension(file);
  return extension == ".jsonl" || extension == ".ndjson" || extension == ".json";
}

// table.csv.gz and backup.tar.gz are gzip data, but not of text to learn from.
bool has_text_name(const fs::path& file) {
  const fs::path inner = is_packed(file) ? file.stem() : file.filename();
  const std::string extension = lower_extension(inner);
  return extension == ".txt" || has_json_name(inner) || (is_packed(file) && extension.empty());
}

bool hidden(const fs::path& file) { return file.filename().string().starts_with('.'); }

// "3 hidden (.git, a, b)": the first few by name.
std::string counted(const std::vector<std::string>& names, const std::string& what) {
  constexpr std::size_t shown = 3;
  std::string text = std::to_string(names.size()) + " " + what + " (";
  for (std::size_t i = 0; i < std::min(shown, names.size()); ++i) text += (i > 0 ? ", " : "") + names[i];
  return text + (names.size() > shown ? ", ..." : "") + ")";
}

// Everything below a directory, in the order of the names, so that the same tree gives the same text on every
// file system. Links to directories are followed; each directory is entered once, so that links that lead
// back end the walk.
class Walk {
 public:
  Walk(fs::path top, const Poll& poll) : top_(std::move(top)), poll_(poll) { enter(top_); }

  const std::vector<fs::path>& files() const { return files_; }
  /// What was left out and why; empty when nothing was.
  std::string left_out() const {
    std::string text;
    const auto add = [&](const std::vector<std::string>& names, const std::string& what) {
      if (!names.empty()) text += (text.empty() ? "" : ", ") + counted(names, what);
    };
    add(other_names_, "by their names");
    add(not_files_, "that are no regular files");
    add(hidden_, "hidden");
    return text;
  }

 private:
  void enter(const fs::path& directory) {
    struct stat facts {};
    if (::stat(directory.c_str(), &facts) != 0)
      cannot_list(directory, std::error_code(errno, std::generic_category()));
    if (!entered_.emplace(facts.st_dev, facts.st_ino).second) return;
    std::error_code error;
    std::vector<fs::path> entries;
    fs::directory_iterator entry(directory, error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
      entries.push_back(entry->path());
      if (poll_) poll_();
    }
    if (error) cannot_list(directory, error);
    std::sort(entries.begin(), entries.end());
    for (const fs::path& path : entries) {
      if (poll_) poll_();
      take(path);
    }
  }

  void take(const fs::path& path) {
    const std::string name = path.lexically_relative(top_).string();
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (hidden(path)) {
      hidden_.push_back(name);
    } else if (fs::is_directory(status)) {
      enter(path);
    } else if (!fs::is_regular_file(status)) {
      not_files_.push_back(name);  // pipes, devices, links to nothing
    } else if (has_text_name(path)) {
      files_.push_back(path);
    } else {
      other_names_.push_back(name);
    }
  }

  [[noreturn]] static void cannot_list(const fs::path& directory, const std::error_code& error) {
    throw InputError("cannot list the directory: " + error.message(), directory.string(),
                     "check that you may read it and everything below");
  }

  fs::path top_;
  const Poll& poll_;
  std::set<std::pair<dev_t, ino_t>> entered_;
  std::vector<fs::path> files_;
  std::vector<std::string> other_names_, not_files_, hidden_;  // relative to top_
};

void add_directory(const fs::path& directory, const Poll& poll, FoundFiles& found) {
  const Walk walk(directory, poll);
  const std::string left_out = walk.left_out();
  if (walk.files().empty()) {
    throw InputError(
        "no text in this directory" + (left_out.empty() ? "" : "; left out are " + left_out),
        directory.string(),
        "put .txt, .jsonl, .ndjson or .json files there, packed with gzip or not, or name other files by a "
        "glob in data.text");
  }
  found.files.insert(found.files.end(), walk.files().begin(), walk.files().end());
  if (!left_out.empty())
    found.left_out.push_back("of " + directory.string() + " are left out: " + left_out +
                             "; a glob in data.text takes files whatever their names");
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

void add_named(const std::string& pattern, const Poll& poll, FoundFiles& found) {
  std::error_code error;
  // A file whose name holds glob characters is meant when it is there.
  const std::vector<fs::path> named =
      fs::exists(pattern, error) ? std::vector<fs::path>{pattern} : expand_glob(pattern);
  if (named.empty()) {
    throw InputError("no such file, directory or glob match", "data.text = " + pattern,
                     "check the path; it counts from the directory you start from");
  }
  for (const fs::path& path : named) {
    if (fs::is_directory(path, error)) {
      add_directory(path, poll, found);
    } else if (fs::is_regular_file(path, error)) {
      found.files.push_back(path);
    } else {
      // The text is read more than once (hash, split, encode), which a pipe does not allow.
      throw InputError("not a regular file", path.string(), "save the text in a file first");
    }
    if (poll) poll();
  }
}

}  // namespace

bool is_packed(const fs::path& file) { return lower_extension(file) == ".gz"; }

TextFormat format_of(const fs::path& file) {
  const bool json = has_json_name(is_packed(file) ? file.stem() : file.filename());
  return json ? TextFormat::json_lines : TextFormat::plain;
}

FoundFiles find_text_files(const std::vector<std::string>& patterns, const Poll& poll) {
  FoundFiles found;
  for (const std::string& pattern : patterns) add_named(pattern, poll, found);
  for (fs::path& file : found.files) file = file.lexically_normal();
  std::sort(found.files.begin(), found.files.end(),
            [](const fs::path& a, const fs::path& b) { return a.native() < b.native(); });
  // The same file under two spellings or through a link is one text.
  std::set<std::string> seen;
  std::erase_if(found.files,
                [&](const fs::path& file) { return !seen.insert(fs::canonical(file).native()).second; });
  return found;
}

}  // namespace bitdarts::data
