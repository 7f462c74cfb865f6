// What a product says, apart from who made it and when: hashing and comparing.
#include <algorithm>
#include <charconv>
#include <cstring>
#include <map>

#include "core/hash.hpp"
#include "store/hdf5.hpp"
#include "store/product.hpp"

namespace bitdarts::store {
namespace {

constexpr std::uint64_t block_bytes = std::uint64_t{8} << 20;

bool is_provenance(const std::string& name) {
  return name == "/provenance" || name.starts_with("/provenance/");
}

std::vector<std::string> content_datasets(const File& file) {
  auto names = file.datasets();
  std::erase_if(names, is_provenance);
  return names;
}

// "object@name" -> "type value", of groups and datasets alike.
std::map<std::string, std::string> content_attributes(const File& file) {
  std::vector<std::string> objects = file.groups();
  const auto datasets = file.datasets();
  objects.insert(objects.end(), datasets.begin(), datasets.end());
  objects.emplace_back("/");
  std::map<std::string, std::string> found;
  for (const std::string& object : objects) {
    if (is_provenance(object)) continue;
    for (const auto& [name, value] : file.attributes(object)) {
      found[object + "@" + name] = std::string(name_of(file.attribute_type(object, name))) + " " + value;
    }
  }
  return found;
}

// Rows of at most block_bytes together, so that a dataset larger than memory can be walked through.
std::uint64_t rows_at_once(const DatasetInfo& info) {
  const std::uint64_t row =
      std::max<std::uint64_t>(1, info.bytes() / std::max<std::uint64_t>(1, info.shape[0]));
  return std::max<std::uint64_t>(1, block_bytes / row);
}

bool has_rows(const DatasetInfo& info) {
  return info.type != ElementType::text && !info.shape.empty() && info.elements() > 0;
}

void hash_dataset(Hasher& hasher, const File& file, const std::string& name) {
  const DatasetInfo info = file.info(name);
  hasher.text(name).text(name_of(info.type));
  const std::uint64_t dimensions = info.shape.size();
  hasher.values(std::span(&dimensions, 1)).values(std::span<const std::uint64_t>(info.shape));
  if (!has_rows(info)) {
    hasher.bytes(file.read_bytes(name));
    return;
  }
  const std::uint64_t step = rows_at_once(info);
  for (std::uint64_t row = 0; row < info.shape[0]; row += step) {
    hasher.bytes(file.read_rows(name, row, std::min(step, info.shape[0] - row)));
  }
}

template <class T>
std::string printed_as(const std::byte* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  char text[64];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

std::string printed_element(ElementType type, const std::byte* bytes) {
  switch (type) {
    case ElementType::float32:
      return printed_as<float>(bytes);
    case ElementType::float64:
      return printed_as<double>(bytes);
    case ElementType::int8:
      return printed_as<std::int8_t>(bytes);
    case ElementType::int16:
      return printed_as<std::int16_t>(bytes);
    case ElementType::uint16:
      return printed_as<std::uint16_t>(bytes);
    case ElementType::int32:
      return printed_as<std::int32_t>(bytes);
    case ElementType::uint32:
      return printed_as<std::uint32_t>(bytes);
    case ElementType::int64:
      return printed_as<std::int64_t>(bytes);
    case ElementType::uint64:
      return printed_as<std::uint64_t>(bytes);
    case ElementType::uint8:
    case ElementType::text:
      return printed_as<std::uint8_t>(bytes);
  }
  return {};
}

// The differing elements of one dataset: how many, and the first with both values.
class Tally {
 public:
  explicit Tally(ElementType type) : type_(type) {}
  void compare(const std::vector<std::byte>& a, const std::vector<std::byte>& b) {
    const std::size_t size = size_of(type_);
    for (std::size_t at = 0; at < a.size(); at += size, ++seen_) {
      if (std::memcmp(&a[at], &b[at], size) == 0) continue;
      if (differing_++ > 0) continue;
      first_ = "element " + std::to_string(seen_) + ": " + printed_element(type_, &a[at]) + " and " +
               printed_element(type_, &b[at]);
    }
  }
  std::string verdict() const {
    if (differing_ == 0) return {};
    return std::to_string(differing_) + " of " + std::to_string(seen_) + " elements differ, first " + first_;
  }

 private:
  ElementType type_;
  std::uint64_t seen_ = 0, differing_ = 0;
  std::string first_;
};

std::string compare_datasets(const File& a, const File& b, const std::string& name) {
  const DatasetInfo in_a = a.info(name), in_b = b.info(name);
  if (in_a.type != in_b.type) return std::string("type ") + name_of(in_a.type) + " and " + name_of(in_b.type);
  if (in_a.shape != in_b.shape) return "shape " + printed(in_a.shape) + " and " + printed(in_b.shape);
  Tally tally(in_a.type);
  if (!has_rows(in_a)) {
    tally.compare(a.read_bytes(name), b.read_bytes(name));
    return tally.verdict();
  }
  const std::uint64_t step = rows_at_once(in_a);
  for (std::uint64_t row = 0; row < in_a.shape[0]; row += step) {
    const std::uint64_t count = std::min(step, in_a.shape[0] - row);
    tally.compare(a.read_rows(name, row, count), b.read_rows(name, row, count));
  }
  return tally.verdict();
}

}  // namespace

void copy_content(const File& from, File& to) {
  for (const std::string& name : from.children("/"))
    if (!is_provenance("/" + name)) to.copy(from, "/" + name);
}

std::string content_hash(const File& file) {
  Hasher hasher;
  for (const std::string& name : content_datasets(file)) hash_dataset(hasher, file, name);
  hasher.text("attributes");
  for (const auto& [name, value] : content_attributes(file)) hasher.text(name).text(value);
  return hasher.hex();
}

std::vector<std::string> differences(const File& a, const File& b) {
  std::vector<std::string> found;
  const auto in_a = content_datasets(a), in_b = content_datasets(b);
  const auto in = [](const std::vector<std::string>& names, const std::string& name) {
    return std::binary_search(names.begin(), names.end(), name);
  };
  for (const std::string& name : in_a) {
    if (!in(in_b, name)) {
      found.push_back(name + ": only in " + a.path().string());
    } else if (const auto verdict = compare_datasets(a, b, name); !verdict.empty()) {
      found.push_back(name + ": " + verdict);
    }
  }
  for (const std::string& name : in_b) {
    if (!in(in_a, name)) found.push_back(name + ": only in " + b.path().string());
  }
  const auto facts_a = content_attributes(a), facts_b = content_attributes(b);
  for (const auto& [name, value] : facts_a) {
    const auto other = facts_b.find(name);
    if (other == facts_b.end()) {
      found.push_back(name + ": only in " + a.path().string());
    } else if (other->second != value) {
      found.push_back(name + ": " + value + " and " + other->second);
    }
  }
  for (const auto& [name, value] : facts_b) {
    if (!facts_a.contains(name)) found.push_back(name + ": only in " + b.path().string());
  }
  return found;
}

}  // namespace bitdarts::store
