#include "data/byte_source.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "core/error.hpp"
#include "core/hash.hpp"
#include "data/gzip_reader.hpp"
#include "data/plain_file.hpp"
#include "data/text_files.hpp"

namespace bitdarts::data {

namespace {

constexpr std::size_t chunk_bytes = std::size_t{1} << 20;

}  // namespace

struct ByteSource::Handle {
  std::filesystem::path path;
  std::optional<PlainFile> plain;
  std::optional<GzipReader> gzip;
  std::uint64_t position = 0;
};

ByteSource::ByteSource(const std::filesystem::path& path) : handle_(std::make_unique<Handle>()) {
  handle_->path = path;
  if (is_packed(path)) {
    handle_->gzip.emplace(PlainFile(path));
  } else {
    handle_->plain.emplace(path);
  }
}

ByteSource::~ByteSource() = default;
ByteSource::ByteSource(ByteSource&&) noexcept = default;
ByteSource& ByteSource::operator=(ByteSource&&) noexcept = default;

std::size_t ByteSource::read(std::span<char> buffer) {
  const std::size_t count = handle_->gzip ? handle_->gzip->read(buffer) : handle_->plain->read(buffer);
  handle_->position += count;
  return count;
}

void ByteSource::skip_to(std::uint64_t offset, const Poll& poll) {
  if (handle_->plain) {
    handle_->plain->seek(offset);
    handle_->position = offset;
    return;
  }
  std::vector<char> scratch(chunk_bytes);
  while (handle_->position < offset) {
    const std::uint64_t left = offset - handle_->position;
    const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(left, scratch.size()));
    if (read(std::span(scratch).first(step)) == 0) {
      throw InputError("the file became shorter while it was read", handle_->path.string());
    }
    if (poll) poll();
  }
}

std::string hash_file(const std::filesystem::path& path, const Poll& poll) {
  PlainFile file(path);
  std::vector<char> buffer(chunk_bytes);
  Hasher hasher;
  while (const std::size_t count = file.read(buffer)) {
    hasher.bytes(std::as_bytes(std::span(buffer).first(count)));
    if (poll) poll();
  }
  return hasher.hex();
}

std::string read_whole_file(const std::filesystem::path& path, std::uint64_t limit) {
  PlainFile file(path);
  std::string content;
  std::vector<char> buffer(chunk_bytes);
  while (const std::size_t count = file.read(buffer)) {
    if (content.size() + count > limit) {
      throw InputError("larger than the " + std::to_string(limit) + " bytes such a file may have",
                       path.string());
    }
    content.append(buffer.data(), count);
  }
  return content;
}

}  // namespace bitdarts::data
