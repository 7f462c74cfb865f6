#include "data/model_proto.hpp"

#include <cstdint>

namespace bitdarts::data {
namespace {

// One field as it lies in the message: its number, tag and all, and what it holds: bytes (a submessage) or an
// integer.
struct Field {
  std::uint64_t number = 0;
  std::string_view whole, held;
  std::uint64_t integer = 0;
};

// Reads a protocol buffer field by field. https://protobuf.dev/programming-guides/encoding/
class Fields {
 public:
  explicit Fields(std::string_view message) : rest_(message) {}

  bool at_end() const { return rest_.empty(); }
  /// Nothing when the message is damaged or cut off.
  std::optional<Field> next() {
    const std::string_view begin = rest_;
    const auto tag = varint();
    if (!tag) return std::nullopt;
    Field field{.number = *tag >> 3, .whole = {}, .held = {}};
    std::optional<std::uint64_t> size;
    switch (*tag & 7) {
      case 0:
        if (const auto integer = varint()) {
          field.integer = *integer;
          size = 0;
        }
        break;
      case 1:
        size = 8;
        break;
      case 2:
        size = varint();
        break;
      case 5:
        size = 4;
        break;
      default:
        break;
    }
    if (!size || *size > rest_.size()) return std::nullopt;
    field.held = rest_.substr(0, *size);
    rest_.remove_prefix(*size);
    field.whole = begin.substr(0, begin.size() - rest_.size());
    return field;
  }

 private:
  std::optional<std::uint64_t> varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= std::uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return value;
    }
    return std::nullopt;
  }

  std::string_view rest_;
};

std::string as_varint(std::uint64_t value) {
  std::string bytes;
  for (; value > 0x7F; value >>= 7) bytes += static_cast<char>((value & 0x7F) | 0x80);
  return bytes + static_cast<char>(value);
}

// NormalizerSpec: everything but precompiled_charsmap.
std::optional<std::string> without_table(std::string_view spec) {
  constexpr std::uint64_t table = 2;
  std::string kept;
  for (Fields fields(spec); !fields.at_end();) {
    const auto field = fields.next();
    if (!field) return std::nullopt;
    if (field->number != table) kept += field->whole;
  }
  return kept;
}

}  // namespace

std::optional<std::string> without_tables(std::string_view model) {
  constexpr std::uint64_t normalizer = 3, self_test = 4, denormalizer = 5;
  std::string kept;
  for (Fields fields(model); !fields.at_end();) {
    const auto field = fields.next();
    if (!field) return std::nullopt;
    if (field->number == self_test || field->number == denormalizer) continue;
    if (field->number != normalizer) {
      kept += field->whole;
      continue;
    }
    const auto spec = without_table(field->held);
    if (!spec) return std::nullopt;
    kept += static_cast<char>(normalizer << 3 | 2) + as_varint(spec->size()) + *spec;
  }
  return kept;
}

bool is_bpe(std::string_view model) {
  constexpr std::uint64_t trainer_spec = 2, model_type = 3, unigram = 1, bpe = 2;
  std::uint64_t type = unigram;
  for (Fields fields(model); !fields.at_end();) {
    const auto field = fields.next();
    if (!field) return false;
    if (field->number != trainer_spec) continue;
    for (Fields options(field->held); !options.at_end();) {
      const auto option = options.next();
      if (!option) return false;
      if (option->number == model_type) type = option->integer;
    }
  }
  return type == bpe;
}

}  // namespace bitdarts::data
