#include "product_content.hpp"

#include <cstring>
#include <limits>
#include <type_traits>

using namespace bitdarts;
using store::ElementType;

namespace {

bool is_provenance(const std::string& name) { return name.starts_with("/provenance"); }

// Calls `work` with a value of the C++ type that an element type stands for.
template <class Work>
void with_type(ElementType type, Work&& work) {
  switch (type) {
    case ElementType::float32:
      return work(float{});
    case ElementType::float64:
      return work(double{});
    case ElementType::int8:
      return work(std::int8_t{});
    case ElementType::uint8:
      return work(std::uint8_t{});
    case ElementType::int16:
      return work(std::int16_t{});
    case ElementType::uint16:
      return work(std::uint16_t{});
    case ElementType::int32:
      return work(std::int32_t{});
    case ElementType::uint32:
      return work(std::uint32_t{});
    case ElementType::int64:
      return work(std::int64_t{});
    case ElementType::uint64:
      return work(std::uint64_t{});
    case ElementType::text:
      return;
  }
}

template <class T>
T narrowed(double value) {
  if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(value);
  } else {
    if (!(value > static_cast<double>(std::numeric_limits<T>::lowest())))
      return std::numeric_limits<T>::lowest();
    if (!(value < static_cast<double>(std::numeric_limits<T>::max()))) return std::numeric_limits<T>::max();
    return static_cast<T>(value);
  }
}

}  // namespace

Content read_content(const std::string& path) {
  const auto file = store::File::open(path);
  Content content{.datasets = {}, .attributes = {}, .provenance = store::read_provenance(file)};
  auto objects = file.groups();
  for (const auto& name : file.datasets()) {
    objects.push_back(name);
    if (is_provenance(name)) continue;
    const auto info = file.info(name);
    content.datasets.push_back({name, info.type, info.shape, file.read_bytes(name)});
  }
  objects.emplace_back("/");
  for (const auto& object : objects) {
    if (is_provenance(object)) continue;
    for (const auto& [name, printed] : file.attributes(object)) {
      const auto type = file.attribute_type(object, name);
      if (type == ElementType::int64)
        content.attributes.push_back({object, name, *file.int_attribute(object, name)});
      if (type == ElementType::float64)
        content.attributes.push_back({object, name, *file.double_attribute(object, name)});
      if (type == ElementType::text) content.attributes.push_back({object, name, printed});
    }
  }
  return content;
}

void publish_content(const std::string& path, const Content& content) {
  store::publish(path, content.provenance, [&](store::File& file) {
    for (const auto& d : content.datasets) {
      if (d.type == ElementType::text) {
        file.write_text(d.name, {reinterpret_cast<const char*>(d.bytes.data()), d.bytes.size()});
        continue;
      }
      with_type(d.type, [&]<class T>(T) {
        std::vector<T> values(d.elements());
        if (!values.empty()) std::memcpy(values.data(), d.bytes.data(), d.bytes.size());
        file.write<T>(d.name, values, d.shape);
      });
    }
    for (const auto& a : content.attributes)
      std::visit([&](const auto& value) { file.set_attribute(a.object, a.name, value); }, a.value);
  });
}

void set_elements(Dataset& d, std::uint64_t first, std::uint64_t count, double value) {
  with_type(d.type, [&]<class T>(T) {
    const T element = narrowed<T>(value);
    for (std::uint64_t i = first; i < first + count && i < d.elements(); ++i)
      std::memcpy(&d.bytes[i * sizeof(T)], &element, sizeof(T));
  });
}

void convert(Dataset& d, ElementType to) {
  std::vector<double> values;
  with_type(d.type, [&]<class T>(T) {
    for (std::uint64_t i = 0; i < d.elements(); ++i) {
      T element;
      std::memcpy(&element, &d.bytes[i * sizeof(T)], sizeof(T));
      values.push_back(static_cast<double>(element));
    }
  });
  d.type = to;
  d.bytes.assign(values.size() * store::size_of(to), std::byte{0});
  for (std::uint64_t i = 0; i < values.size(); ++i) set_elements(d, i, 1, values[i]);
}

void reshape(Dataset& d, store::Shape shape) {
  std::uint64_t elements = 1;
  for (const auto n : shape) elements *= n;
  constexpr std::uint64_t most = 1 << 20;
  if (elements > most) return;
  d.shape = std::move(shape);
  d.bytes.resize(elements * store::size_of(d.type));
}
