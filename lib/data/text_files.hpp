#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace bitdarts::data {

enum class TextFormat { plain, json_lines };
/// By the name: .jsonl and .jsonl.gz are JSON Lines, everything else is plain text.
TextFormat format_of(const std::filesystem::path& file);

/// Files named by data.text: files, directories (recursive), globs; sorted and unique. InputError when one
/// matches nothing. A directory gives its *.txt, *.jsonl and *.gz (hidden ones and links to directories
/// passed over); a file that is named, or that a glob matches, is read whatever it is called.
std::vector<std::filesystem::path> find_text_files(const std::vector<std::string>& patterns);

}  // namespace bitdarts::data
