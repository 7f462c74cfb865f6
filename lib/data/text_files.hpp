#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "data/byte_source.hpp"

namespace bitdarts::data {

enum class TextFormat { plain, json_lines };
/// By the name, in either case: .jsonl, .ndjson and .json are JSON Lines, also with .gz behind; everything
/// else is plain text.
TextFormat format_of(const std::filesystem::path& file);
/// Is the name one of gzip data (.gz)?
bool is_packed(const std::filesystem::path& file);

struct FoundFiles {
  std::vector<std::filesystem::path> files;  ///< sorted, each once
  std::vector<std::string> left_out;         ///< a sentence for each directory that has more than was taken
};

/// Files named by data.text: files, directories (with all below, linked ones too), globs. InputError when one
/// matches nothing, or is something else than a regular file (it is not opened, so a pipe does not block). A
/// directory gives its *.txt, *.jsonl, *.ndjson and *.json, each also with .gz, and names with .gz as the
/// only ending; a file that is named, or that a glob matches, is taken whatever it is called.
FoundFiles find_text_files(const std::vector<std::string>& patterns, const Poll& poll = {});

}  // namespace bitdarts::data
