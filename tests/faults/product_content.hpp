#pragma once
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "store/product.hpp"

/// A bitdarts file in memory, to be written again with something changed.
struct Dataset {
  std::string name;
  bitdarts::store::ElementType type;
  bitdarts::store::Shape shape;
  std::vector<std::byte> bytes;
  std::uint64_t elements() const { return bytes.size() / bitdarts::store::size_of(type); }
};
struct Attribute {
  std::string object, name;
  std::variant<std::int64_t, double, std::string> value;
};
struct Content {
  std::vector<Dataset> datasets;
  std::vector<Attribute> attributes;
  bitdarts::store::Provenance provenance;
};

Content read_content(const std::string& path);
/// With a content hash that is right.
void publish_content(const std::string& path, const Content& content);

/// Elements `first` to `first + count` become the nearest to `value` that their type has.
void set_elements(Dataset& d, std::uint64_t first, std::uint64_t count, double value);
void convert(Dataset& d, bitdarts::store::ElementType to);
/// What is new is zero.
void reshape(Dataset& d, bitdarts::store::Shape shape);
