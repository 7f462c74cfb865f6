#include <algorithm>
#include <charconv>

#include "store/hdf5.hpp"

namespace bitdarts::store {
namespace {

Id open_object(const Context& at, hid_t file, const std::string& object) {
  if (!exists(file, object)) at.refuse("there is no such group or dataset");
  return at.own(H5Oopen(file, object.c_str(), H5P_DEFAULT), H5Oclose, "cannot open the group or dataset");
}

void write_attribute(const Context& at, hid_t file, const std::string& object, const std::string& name,
                     hid_t type, const void* value) {
  if (!exists(file, object)) make_groups(at, file, object, true);
  const Id owner = open_object(at, file, object);
  if (H5Aexists(owner, name.c_str()) > 0)
    at.check(H5Adelete(owner, name.c_str()), "cannot replace the attribute");
  const Id space = at.own(H5Screate(H5S_SCALAR), H5Sclose, "cannot describe the attribute");
  Id attribute = at.own(H5Acreate2(owner, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose,
                        "cannot create the attribute");
  at.check(H5Awrite(attribute, type, value), "cannot write the attribute");
  at.check(attribute.close(), "cannot write the attribute");
}

struct OpenAttribute {
  Id attribute, type;
  ElementType element;
};

// Ours are names and numbers. A damaged size must not make us ask for gigabytes.
constexpr std::size_t largest_attribute = std::size_t{1} << 24;

std::optional<OpenAttribute> open_attribute(const Context& at, hid_t owner, const std::string& name) {
  const htri_t found = H5Aexists(owner, name.c_str());
  if (found < 0) at.fail("cannot look for the attribute");
  if (found == 0) return std::nullopt;
  Id attribute = at.own(H5Aopen(owner, name.c_str(), H5P_DEFAULT), H5Aclose, "cannot open the attribute");
  Id type = at.own(H5Aget_type(attribute), H5Tclose, "cannot read the attribute's type");
  const Id space = at.own(H5Aget_space(attribute), H5Sclose, "cannot read the attribute's shape");
  const auto element = element_type(type);
  if (!element || H5Sget_simple_extent_type(space) != H5S_SCALAR) {
    at.refuse("the attribute is of a kind that bitdarts does not write");
  }
  if (H5Tget_size(type) > largest_attribute) at.refuse("the attribute claims an impossible size");
  return OpenAttribute{std::move(attribute), std::move(type), *element};
}

std::vector<std::byte> raw_value(const Context& at, const OpenAttribute& open) {
  std::vector<std::byte> raw(H5Tget_size(open.type));
  at.check(H5Aread(open.attribute, open.type, raw.data()), "cannot read the attribute");
  return raw;
}

// Nothing when absent, a refusal when of another type.
std::optional<OpenAttribute> open_typed(const Context& at, hid_t file, const std::string& object,
                                        const std::string& name, ElementType wanted) {
  if (!exists(file, object)) return std::nullopt;
  auto open = open_attribute(at, open_object(at, file, object), name);
  if (open && open->element != wanted) {
    at.refuse(std::string("the attribute is ") + name_of(open->element) + ", and " + name_of(wanted) +
              " is needed");
  }
  return open;
}

template <class T>
std::optional<T> number(const Context& at, hid_t file, const std::string& object, const std::string& name,
                        ElementType type) {
  const auto open = open_typed(at, file, object, name, type);
  if (!open) return std::nullopt;
  T value;
  at.check(H5Aread(open->attribute, stored_type(type), &value), "cannot read the attribute");
  return value;
}

template <class T>
std::string printed_number(const std::vector<std::byte>& raw) {
  T value;
  std::copy(raw.begin(), raw.end(), reinterpret_cast<std::byte*>(&value));
  char text[64];
  return {
      text,
      std::to_chars(text, text + sizeof text, value).ptr};  // floats: the shortest that reads back the same
}

std::string printed_value(const Context& at, const OpenAttribute& open) {
  const auto raw = raw_value(at, open);
  switch (open.element) {
    case ElementType::text:
      return text_of(raw, open.type);
    case ElementType::float32:
      return printed_number<float>(raw);
    case ElementType::float64:
      return printed_number<double>(raw);
    case ElementType::int8:
      return printed_number<std::int8_t>(raw);
    case ElementType::uint8:
      return printed_number<std::uint8_t>(raw);
    case ElementType::int16:
      return printed_number<std::int16_t>(raw);
    case ElementType::uint16:
      return printed_number<std::uint16_t>(raw);
    case ElementType::int32:
      return printed_number<std::int32_t>(raw);
    case ElementType::uint32:
      return printed_number<std::uint32_t>(raw);
    case ElementType::int64:
      return printed_number<std::int64_t>(raw);
    case ElementType::uint64:
      return printed_number<std::uint64_t>(raw);
  }
  return {};
}

std::string label(const std::string& object, const std::string& name) {
  return object + ", attribute " + name;
}

herr_t keep_name(hid_t, const char* name, const H5A_info_t*, void* names) {
  static_cast<std::vector<std::string>*>(names)->emplace_back(name);
  return 0;
}

}  // namespace

void File::set_attribute(const std::string& object, const std::string& name, const std::string& value) {
  const Context at = handle_->writing(label(object, name));
  write_attribute(at, handle_->file, object, name, text_type(at, value), value.c_str());
}

void File::set_attribute(const std::string& object, const std::string& name, std::int64_t value) {
  write_attribute(handle_->writing(label(object, name)), handle_->file, object, name,
                  stored_type(ElementType::int64), &value);
}

void File::set_attribute(const std::string& object, const std::string& name, double value) {
  write_attribute(handle_->writing(label(object, name)), handle_->file, object, name,
                  stored_type(ElementType::float64), &value);
}

std::optional<std::string> File::text_attribute(const std::string& object, const std::string& name) const {
  const Context at = handle_->reading(label(object, name));
  const auto open = open_typed(at, handle_->file, object, name, ElementType::text);
  if (!open) return std::nullopt;
  return text_of(raw_value(at, *open), open->type);
}

std::optional<std::int64_t> File::int_attribute(const std::string& object, const std::string& name) const {
  return number<std::int64_t>(handle_->reading(label(object, name)), handle_->file, object, name,
                              ElementType::int64);
}

std::optional<double> File::double_attribute(const std::string& object, const std::string& name) const {
  return number<double>(handle_->reading(label(object, name)), handle_->file, object, name,
                        ElementType::float64);
}

std::int64_t File::required_int(const std::string& object, const std::string& name) const {
  if (const auto value = int_attribute(object, name)) return *value;
  handle_->reading(label(object, name)).refuse("the attribute is missing");
}

double File::required_double(const std::string& object, const std::string& name) const {
  if (const auto value = double_attribute(object, name)) return *value;
  handle_->reading(label(object, name)).refuse("the attribute is missing");
}

std::string File::required_text(const std::string& object, const std::string& name) const {
  if (auto value = text_attribute(object, name)) return *value;
  handle_->reading(label(object, name)).refuse("the attribute is missing");
}

std::vector<std::pair<std::string, std::string>> File::attributes(const std::string& object) const {
  const Context at = handle_->reading(object);
  const Id owner = open_object(at, handle_->file, object);
  std::vector<std::string> names;
  hsize_t from = 0;
  // In native order: for any other one HDF5 1.10 first makes a table of them, and crashes when it cannot.
  at.check(H5Aiterate2(owner, H5_INDEX_NAME, H5_ITER_NATIVE, &from, keep_name, &names),
           "cannot list the attributes");
  std::sort(names.begin(), names.end());
  std::vector<std::pair<std::string, std::string>> result;
  for (const std::string& name : names) {
    const Context here = handle_->reading(label(object, name));
    const auto open = open_attribute(here, owner, name);
    if (open) result.emplace_back(name, printed_value(here, *open));
  }
  return result;
}

ElementType File::attribute_type(const std::string& object, const std::string& name) const {
  const Context at = handle_->reading(label(object, name));
  const auto open = open_attribute(at, open_object(at, handle_->file, object), name);
  if (!open) at.refuse("the attribute is missing");
  return open->element;
}

}  // namespace bitdarts::store
