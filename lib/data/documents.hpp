#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "config/config.hpp"

namespace bitdarts::data {

/// Files named by data.text: files, directories (recursive), globs; sorted and unique. InputError when one matches nothing.
std::vector<std::filesystem::path> find_text_files(const std::vector<std::string>& patterns);

/// Calls `visit(document, file, byte offset)` for each document of one file, in order. Plain text and .gz are cut as
/// `options.document` says and every byte belongs to a document (separators stay with the document before them), JSON Lines
/// (.jsonl, .jsonl.gz) gives one document per record. InputError with file and line (JSON) or offset (gzip) when damaged.
void read_documents(const std::filesystem::path& file, const config::DataOptions& options,
                    const std::function<void(std::string&& document, std::uint64_t offset)>& visit);

enum class Split { train, search, test };
const char* name_of(Split split);
/// Decided by a keyed hash of the document's content: the same document always falls in the same part, whatever its place.
Split split_of(std::string_view document, std::uint64_t seed, double search_fraction, double test_fraction);

}  // namespace bitdarts::data
