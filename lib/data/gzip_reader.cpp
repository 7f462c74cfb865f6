#include "data/gzip_reader.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "core/error.hpp"

namespace bitdarts::data {
namespace {

constexpr std::size_t packed_bytes = std::size_t{1} << 18;
constexpr int gzip_window = 15 + 16;  // zlib's largest window; 16: with the header of gzip

}  // namespace

GzipReader::GzipReader(PlainFile file) : file_(std::move(file)), packed_(packed_bytes) {
  if (inflateInit2(&stream_, gzip_window) != Z_OK) throw Error("zlib cannot start: not enough memory");
  at_end_ = !fill();  // an empty file is an empty text, packed or not
  if (at_end_) return;
  if (!begins_member()) {
    inflateEnd(&stream_);
    throw InputError("named .gz, but not gzip data", file_.path().string() + ", byte 0",
                     "rename it, or copy it again from where it came");
  }
  within_member_ = true;
}

GzipReader::~GzipReader() { inflateEnd(&stream_); }

bool GzipReader::fill() {
  if (stream_.avail_in > 0) return true;
  const std::size_t count = file_.read(std::span(reinterpret_cast<char*>(packed_.data()), packed_.size()));
  stream_.next_in = packed_.data();
  stream_.avail_in = static_cast<unsigned>(count);
  taken_ += count;
  return count > 0;
}

bool GzipReader::begins_member() {
  if (!fill()) return false;
  if (stream_.avail_in == 1) {  // the magic number lies across two readings
    packed_[0] = *stream_.next_in;
    const std::size_t count =
        file_.read(std::span(reinterpret_cast<char*>(packed_.data()), packed_.size()).subspan(1));
    stream_.next_in = packed_.data();
    stream_.avail_in += static_cast<unsigned>(count);
    taken_ += count;
  }
  return stream_.avail_in >= 2 && stream_.next_in[0] == 0x1f && stream_.next_in[1] == 0x8b;
}

bool GzipReader::only_padding() {
  while (fill()) {
    const unsigned char* const end = stream_.next_in + stream_.avail_in;
    const unsigned char* const other = std::find_if(stream_.next_in, stream_.next_in + stream_.avail_in,
                                                    [](auto byte) { return byte != 0; });
    stream_.avail_in = static_cast<unsigned>(end - other);
    stream_.next_in = packed_.data() + (other - packed_.data());
    if (other != end) return false;
  }
  return true;
}

void GzipReader::damaged(const std::string& what) const {
  throw InputError(what, file_.path().string() + ", about byte " + std::to_string(offset()),
                   "copy the file again from where it came (`gzip -t` checks it)");
}

std::size_t GzipReader::read(std::span<char> buffer) {
  const auto wanted = static_cast<unsigned>(std::min<std::size_t>(buffer.size(), 1u << 30));
  stream_.next_out = reinterpret_cast<unsigned char*>(buffer.data());
  stream_.avail_out = wanted;
  while (stream_.avail_out > 0 && !at_end_) {
    if (!within_member_) {
      if (begins_member()) {
        inflateReset(&stream_);
        within_member_ = true;
      } else if (only_padding()) {
        at_end_ = true;
        break;
      } else {
        throw InputError("the gzip data are followed by something else",
                         file_.path().string() + ", byte " + std::to_string(offset()),
                         "pack each part before joining them, or copy the file again from where it came");
      }
    }
    if (!fill()) damaged("the gzip data end too early");
    const int code = inflate(&stream_, Z_NO_FLUSH);
    if (code == Z_STREAM_END) {
      within_member_ = false;
    } else if (code != Z_OK) {
      damaged(std::string("damaged gzip data: ") + (stream_.msg ? stream_.msg : zError(code)));
    }
  }
  return wanted - stream_.avail_out;
}

}  // namespace bitdarts::data
