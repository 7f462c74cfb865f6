#include "data/text_check.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "data/byte_source.hpp"
#include "data/plain_file.hpp"
#include "data/text_files.hpp"
#include "data/utf8.hpp"

namespace bitdarts::data {
namespace {

using namespace std::string_view_literals;
namespace fs = std::filesystem;

constexpr std::size_t head_bytes = std::size_t{1} << 18;
constexpr const char* unpack = "unpack it first; of packed text only gzip is read";
constexpr const char* take_out = "take the texts out of it, as .txt or .jsonl files";
constexpr const char* export_text =
    "write its text as JSON Lines (.jsonl, a record a line) and name that file";

// How files of a kind begin. `certain`: no text does; the others are words that a text may begin with, and
// count only with control characters behind them.
struct Magic {
  std::string_view bytes;
  const char* what;
  const char* remedy;
  bool certain = true;
};
constexpr std::array magics{
    Magic{"\x1f\x8b"sv, "gzip data", unpack},
    Magic{"\x28\xb5\x2f\xfd"sv, "Zstandard data", unpack},
    Magic{"\xfd\x37zXZ\0"sv, "xz data", unpack},
    Magic{"\x04\x22\x4d\x18"sv, "LZ4 data", unpack},
    Magic{"BZh"sv, "bzip2 data", unpack, false},
    Magic{"PK\x03\x04"sv, "a zip archive", take_out},
    Magic{"PK\x05\x06"sv, "a zip archive", take_out},
    Magic{"7z\xbc\xaf\x27\x1c"sv, "a 7z archive", take_out},
    Magic{"Rar!\x1a\x07"sv, "a rar archive", take_out},
    Magic{"PAR1"sv, "a Parquet table", export_text, false},
    Magic{"ARROW1"sv, "an Arrow table", export_text, false},
    Magic{"Obj\x01"sv, "an Avro table", export_text},
    Magic{"ORC"sv, "an ORC table", export_text, false},
    Magic{"\x89HDF\r\n\x1a\n"sv, "an HDF5 file", export_text},
    Magic{"SQLite format 3\0"sv, "an SQLite database", export_text},
    Magic{"\x93NUMPY"sv, "a NumPy array", export_text},
    Magic{"GGUF"sv, "a GGUF model", export_text, false},
    Magic{"%PDF-"sv, "a PDF document", export_text, false},
    Magic{"\xd0\xcf\x11\xe0"sv, "an old Office document", export_text},
    Magic{"\x7f"
          "ELF"sv,
          "a program", export_text},
    Magic{"\x89PNG"sv, "a picture", export_text},
    Magic{"\xff\xd8\xff"sv, "a picture", export_text},
};

// By value: 0 text in ASCII, 1 control, 2 beyond ASCII.
constexpr std::array<unsigned char, 256> make_classes() {
  std::array<unsigned char, 256> classes{};
  for (std::size_t byte = 0; byte < 256; ++byte) {
    const bool layout = (byte >= 8 && byte <= 13) || byte == 27;  // also the overstrikes and colours of logs
    classes[byte] = byte >= 128 ? 2 : (byte < 32 && !layout) || byte == 127 ? 1 : 0;
  }
  return classes;
}
constexpr std::array<unsigned char, 256> classes = make_classes();

// Of the text, of which `packed` says that it lies in a gzip file.
std::string place(const fs::path& file, std::uint64_t byte, bool packed) {
  return file.string() + ", byte " + std::to_string(byte) + (packed ? " of the unpacked text" : "");
}

void refuse_other_formats(const fs::path& file, std::string_view head, bool packed, bool controls) {
  for (const Magic& magic : magics) {
    if (!head.starts_with(magic.bytes) || (!magic.certain && !controls)) continue;
    const bool gzip = magic.bytes == magics[0].bytes;
    throw InputError(
        std::string("this is no text but ") + magic.what + (gzip && packed ? ", packed twice" : ""),
        place(file, 0, packed),
        gzip && !packed ? "give the file a name that ends in .gz, behind what it is of (.txt.gz, .jsonl.gz)"
                        : magic.remedy);
  }
  if (head.size() > 262 && head.substr(257, 5) == "ustar")
    throw InputError("this is no text but a tar archive", place(file, 257, packed), take_out);
}

// Without a byte-order mark the zero halves of Latin letters, digits and line ends tell: they stand at odd
// places only, or at even ones. Empty when it is neither.
std::string wide_encoding(std::string_view head) {
  if (head.starts_with("\xff\xfe\0\0"sv)) return "UTF-32LE";
  if (head.starts_with("\0\0\xfe\xff"sv)) return "UTF-32BE";
  if (head.starts_with("\xff\xfe"sv)) return "UTF-16LE";
  if (head.starts_with("\xfe\xff"sv)) return "UTF-16BE";
  const std::size_t fours = head.size() / 4, pairs = head.size() / 2;
  std::array<std::size_t, 4> zeros{};  // by place modulo 4
  for (std::size_t i = 0; i < fours * 4; ++i) zeros[i % 4] += head[i] == '\0';
  if (fours >= 4 && zeros[3] == fours && zeros[2] == fours && zeros[0] == 0) return "UTF-32LE";
  if (fours >= 4 && zeros[0] == fours && zeros[1] == fours && zeros[3] == 0) return "UTF-32BE";
  std::array<std::size_t, 2> halves{};
  for (std::size_t i = 0; i < pairs * 2; ++i) halves[i % 2] += head[i] == '\0';
  const auto wide = [&](std::size_t with, std::size_t without) {
    return without == 0 && ((with == pairs && pairs >= 4) || (with >= 16 && with * 50 > pairs));
  };
  if (wide(halves[1], halves[0])) return "UTF-16LE";
  if (wide(halves[0], halves[1])) return "UTF-16BE";
  return {};
}

void refuse_wide_encodings(const fs::path& file, std::string_view head, bool packed) {
  const std::string encoding = wide_encoding(head);
  if (encoding.empty()) return;
  const std::string command = packed ? "gzip -dc FILE | iconv -f " + encoding + " -t UTF-8 | gzip > NEW.gz"
                                     : "iconv -f " + encoding + " -t UTF-8 FILE > NEW";
  throw InputError("the text is " + encoding + ", and must be UTF-8", place(file, 0, packed),
                   "convert it: " + command);
}

// The first line that is not blank, and whether all of it is in the head.
struct Line {
  std::string_view text;
  std::size_t offset = 0;
  bool whole = false;
};
Line first_line(std::string_view head, bool whole_file) {
  std::size_t begin = head.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  begin = std::min(head.find_first_not_of(" \t\r\n\v\f", begin), head.size());
  const std::size_t end = head.find('\n', begin);
  Line line{head.substr(begin, end == std::string_view::npos ? end : end - begin), begin,
            end != std::string_view::npos || whole_file};
  while (line.text.ends_with('\r') || line.text.ends_with(' ')) line.text.remove_suffix(1);
  return line;
}

void refuse_other_json(const fs::path& file, const Line& line, bool packed) {
  const std::string read = packed ? "gzip -dc FILE | jq -c " : "jq -c ";
  const std::string write = packed ? " | gzip > NEW.jsonl.gz" : " FILE > NEW.jsonl";
  if (line.text.starts_with('[')) {
    throw InputError("this is a JSON array, and JSON Lines (one record a line) is expected",
                     place(file, line.offset, packed), "convert it: " + read + "'.[]'" + write);
  }
  if (line.text == "{") {
    throw InputError("this is JSON over several lines, and JSON Lines (one record a line) is expected",
                     place(file, line.offset, packed), "convert it: " + read + "." + write);
  }
}

void refuse_hidden_json(const fs::path& file, const Line& line, bool packed, const std::string& field) {
  if (!line.whole || !line.text.starts_with('{')) return;
  const auto record = nlohmann::json::parse(line.text, nullptr, false);
  if (!record.is_object()) return;
  const auto found = record.find(field);
  if (found == record.end() || !found->is_string()) return;
  throw InputError("this is JSON Lines in a file that is named as plain text",
                   place(file, line.offset, packed),
                   "give the file a name that ends in .jsonl or .jsonl.gz; to learn the JSON itself, set "
                   "data.json_field to a name that no record has");
}

}  // namespace

void TextCounts::add(std::string_view text, std::uint64_t offset) {
  bytes += text.size();
  for (std::size_t i = 0; i < text.size();) {
    const unsigned char kind = classes[static_cast<unsigned char>(text[i])];
    std::size_t length = 1;
    if (kind == 1) {
      ++controls;
      first_control = std::min(first_control, offset + i);
    } else if (kind == 2) {
      length = utf8_length(text.substr(i, 4));
      if (length == 0) {
        ++malformed;
        first_malformed = std::min(first_malformed, offset + i);
        length = 1;
      }
    }
    i += length;
  }
}

void TextCounts::add(const TextCounts& other) {
  bytes += other.bytes;
  controls += other.controls;
  malformed += other.malformed;
  first_control = std::min(first_control, other.first_control);
  first_malformed = std::min(first_malformed, other.first_malformed);
}

void refuse_binary(const fs::path& file, const TextCounts& counts) {
  throw InputError("this is no text: " + std::to_string(counts.controls) + " of " +
                       std::to_string(counts.bytes) + " bytes are control characters",
                   place(file, counts.first_control, is_packed(file)),
                   "name text files in data.text: plain text in UTF-8, or JSON Lines (.jsonl)");
}

void require_text(const fs::path& file, const config::DataOptions& options) {
  ByteSource source(file);
  std::string head(head_bytes, '\0');
  head.resize(source.read(head));
  const bool packed = is_packed(file), whole_file = head.size() < head_bytes;
  TextCounts counts;
  counts.add(head, 0);
  refuse_other_formats(file, head, packed, counts.controls > 0);
  refuse_wide_encodings(file, head, packed);
  if (counts.binary()) refuse_binary(file, counts);
  const Line line = first_line(head, whole_file);
  if (format_of(file) != TextFormat::json_lines)
    refuse_hidden_json(file, line, packed, options.json_field);
  else if (options.on_bad_record != "skip")  // there it is one more bad record
    refuse_other_json(file, line, packed);
}

}  // namespace bitdarts::data
