#include "data/documents.hpp"

#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "core/error.hpp"
#include "core/hash.hpp"
#include "core/random.hpp"

namespace bitdarts::data {

namespace {

constexpr std::size_t buffer_bytes = std::size_t{1} << 18;
constexpr std::string_view white_space = " \t\r\n\v\f";

bool blank(std::string_view line) { return line.find_first_not_of(white_space) == std::string_view::npos; }

// The text of a record, or what is wrong with it; of bad JSON also where.
struct RecordText {
  std::string text;
  std::optional<BadRecord> fault;
  std::string detail;
};
RecordText json_text(const std::string& line, const std::string& field) {
  nlohmann::json record;
  try {
    record = nlohmann::json::parse(line);
  } catch (const nlohmann::json::exception& error) {
    const auto* syntax = dynamic_cast<const nlohmann::json::parse_error*>(&error);
    return {"", BadRecord::not_json,
            syntax ? " at byte " + std::to_string(syntax->byte) + " of the line" : ""};
  }
  if (!record.is_object()) return {"", BadRecord::not_an_object, ""};
  const auto found = record.find(field);
  if (found == record.end()) return {"", BadRecord::no_field, ""};
  if (!found->is_string()) return {"", BadRecord::not_a_string, ""};
  return {std::move(found->get_ref<std::string&>()), std::nullopt, ""};
}

}  // namespace

std::string to_text(BadRecord fault, const std::string& field) {
  switch (fault) {
    case BadRecord::not_json:
      return "not valid JSON";
    case BadRecord::not_an_object:
      return "the JSON record is not an object";
    case BadRecord::no_field:
      return "the JSON record has no field \"" + field + "\"";
    case BadRecord::not_a_string:
      return "the field \"" + field + "\" is not a string";
  }
  throw Error("no such fault of a record");
}

DocumentReader::DocumentReader(std::filesystem::path file, const config::DataOptions& options,
                               std::uint64_t start, Poll poll)
    : file_(std::move(file)),
      cut_(options.document),
      json_field_(options.json_field),
      format_(format_of(file_)),
      source_(file_),
      buffer_(buffer_bytes),
      position_(start),
      skip_bad_records_(options.on_bad_record == "skip"),
      poll_(std::move(poll)) {
  if (start > 0) source_.skip_to(start, poll_);
}

bool DocumentReader::next(std::string& document, std::uint64_t& offset) {
  document.clear();
  if (format_ == TextFormat::json_lines) return next_record(document, offset);
  if (cut_ == "file") return next_whole_file(document, offset);
  if (cut_ == "paragraph" || cut_ == "line") return next_lines(document, offset);
  throw ConfigError("unknown way to cut documents", "data.document = " + cut_, "use file, paragraph or line");
}

bool DocumentReader::refill() {
  if (begin_ == end_) {
    if (poll_) poll_();
    begin_ = 0;
    end_ = source_.read(buffer_);
  }
  return begin_ < end_;
}

// Appends up to and including the next '\n'; false when nothing was left.
bool DocumentReader::append_line(std::string& line) {
  bool any = false;
  while (refill()) {
    any = true;
    const char* first = buffer_.data() + begin_;
    const auto* newline = static_cast<const char*>(std::memchr(first, '\n', end_ - begin_));
    const std::size_t count = newline ? static_cast<std::size_t>(newline - first) + 1 : end_ - begin_;
    line.append(first, count);
    begin_ += count;
    position_ += count;
    if (newline) break;
  }
  return any;
}

bool DocumentReader::next_whole_file(std::string& document, std::uint64_t& offset) {
  offset = position_;
  while (refill()) {
    document.append(buffer_.data() + begin_, end_ - begin_);
    position_ += end_ - begin_;
    begin_ = end_;
  }
  return !document.empty();
}

bool DocumentReader::next_lines(std::string& document, std::uint64_t& offset) {
  offset = position_ - ahead_.size();
  bool has_text = !ahead_.empty();
  bool blank_since = cut_ == "line";  // lines need no blank line between them
  document.swap(ahead_);
  ahead_.clear();
  std::string line;
  for (; append_line(line); line.clear()) {
    if (blank(line)) {
      blank_since = blank_since || has_text;
    } else if (has_text && blank_since) {
      ahead_.swap(line);
      return true;
    } else {
      has_text = true;
    }
    document += line;
  }
  return !document.empty();
}

bool DocumentReader::next_record(std::string& document, std::uint64_t& offset) {
  std::string line;
  while (true) {
    offset = position_;
    line.clear();
    if (!append_line(line)) return false;
    ++line_number_;
    if (blank(line)) continue;
    RecordText record = json_text(line, json_field_);
    if (!record.fault) {
      document = std::move(record.text);
      if (!document.empty()) return true;
      continue;
    }
    if (!skip_bad_records_) {
      throw InputError(to_text(*record.fault, json_field_) + record.detail,
                       file_.string() + ", line " + std::to_string(line_number_),
                       *record.fault == BadRecord::not_json
                           ? "every line must hold one JSON object in valid UTF-8; data.on_bad_record=skip "
                             "passes over those that do not, and counts them"
                           : "name the field that holds the text with data.json_field; "
                             "data.on_bad_record=skip passes over records without it, and counts them");
    }
    if (skipped_.count++ == 0) {
      skipped_.first_line = line_number_;
      skipped_.first_fault = *record.fault;
    }
  }
}

bool can_start_anywhere(const std::filesystem::path& file, const config::DataOptions& options) {
  return format_of(file) == TextFormat::plain && !is_packed(file) && options.document != "file";
}

std::optional<std::uint64_t> document_after(const std::filesystem::path& file,
                                            const config::DataOptions& options, std::uint64_t place,
                                            const Poll& poll) {
  DocumentReader reader(file, options, place, poll);
  std::string document;
  std::uint64_t offset = 0;
  // What begins at `place` may be the rest of a line, or blank lines; where it ends, a document ends.
  if (!reader.next(document, offset) || !reader.next(document, offset)) return std::nullopt;
  return offset;
}

DocumentKey key_of(std::string_view document) {
  const std::size_t last = document.find_last_not_of(white_space);
  const Digest digest =
      Hasher().text(document.substr(0, last == std::string_view::npos ? 0 : last + 1)).digest();
  return {digest.high, digest.low};
}

const char* name_of(Split split) {
  switch (split) {
    case Split::train:
      return "train";
    case Split::search:
      return "search";
    case Split::test:
      return "test";
  }
  throw Error("no such split");
}

Split split_of(const DocumentKey& document, std::uint64_t seed, double search_fraction,
               double test_fraction) {
  const double draw = KeyedRandom(seed, Stream::document_split, document.high, document.low).uniform();
  if (draw < test_fraction) return Split::test;
  return draw < test_fraction + search_fraction ? Split::search : Split::train;
}

Split split_of(std::string_view document, std::uint64_t seed, double search_fraction, double test_fraction) {
  return split_of(key_of(document), seed, search_fraction, test_fraction);
}

}  // namespace bitdarts::data
