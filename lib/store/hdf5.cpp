#include "store/hdf5.hpp"

#include <array>
#include <cstring>
#include <limits>

#include "core/error.hpp"

namespace bitdarts::store {
namespace {

constexpr std::array numeric_types = {
    ElementType::float32, ElementType::float64, ElementType::int8,   ElementType::uint8, ElementType::int16,
    ElementType::uint16,  ElementType::int32,   ElementType::uint32, ElementType::int64, ElementType::uint64};

herr_t keep_innermost(unsigned number, const H5E_error2_t* entry, void* reason) {
  if (number == 0 && entry->desc != nullptr) *static_cast<std::string*>(reason) = entry->desc;
  return 0;
}

// The innermost entry of HDF5's error stack knows the cause; the others only pass it on.
std::string innermost_reason() {
  std::string reason;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_innermost, &reason);
  // Failed system calls read "..., errno = 28, error message = 'No space left on device', buf = 0x...".
  static constexpr char mark[] = "error message = '";
  if (const auto begin = reason.find(mark); begin != std::string::npos) {
    const auto first = begin + std::strlen(mark);
    reason = reason.substr(first, reason.find('\'', first) - first);
  }
  return reason;
}

}  // namespace

void Context::fail(const std::string& what) const {
  const std::string reason = innermost_reason();
  refuse(reason.empty() ? what : what + " (" + reason + ")",
         doing_ == Doing::reading
             ? "the file is damaged, incomplete or not from bitdarts: remove it and make it again"
             : "look at free space, quota and write permission");
}

void Context::refuse(const std::string& what, const std::string& remedy) const {
  const std::string where = file_.string() + (object_.empty() ? "" : ", " + object_);
  if (doing_ == Doing::reading) throw InputError(what, where, remedy);
  throw Error(what, where, remedy);
}

std::string hdf5_version() {
  const Silence prepared;
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  return "HDF5 " + std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(release);
}

hid_t stored_type(ElementType type) {
  switch (type) {
    case ElementType::float32:
      return H5T_IEEE_F32LE;
    case ElementType::float64:
      return H5T_IEEE_F64LE;
    case ElementType::int8:
      return H5T_STD_I8LE;
    case ElementType::uint8:
      return H5T_STD_U8LE;
    case ElementType::int16:
      return H5T_STD_I16LE;
    case ElementType::uint16:
      return H5T_STD_U16LE;
    case ElementType::int32:
      return H5T_STD_I32LE;
    case ElementType::uint32:
      return H5T_STD_U32LE;
    case ElementType::int64:
      return H5T_STD_I64LE;
    case ElementType::uint64:
      return H5T_STD_U64LE;
    case ElementType::text:
      break;  // its length is part of the type
  }
  return H5I_INVALID_HID;
}

std::optional<ElementType> element_type(hid_t type) {
  if (H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0) return ElementType::text;
  for (const ElementType candidate : numeric_types) {
    if (H5Tequal(type, stored_type(candidate)) > 0) return candidate;
  }
  return std::nullopt;
}

Id text_type(const Context& at, const std::string& text) {
  Id type = at.own(H5Tcopy(H5T_C_S1), H5Tclose, "cannot make a text type");
  // One byte more than the text: an empty text has a type too, and every byte of it is its own.
  at.check(H5Tset_size(type, text.size() + 1), "cannot make a text type of this length");
  at.check(H5Tset_strpad(type, H5T_STR_NULLTERM), "cannot make a text type");
  at.check(H5Tset_cset(type, H5T_CSET_UTF8), "cannot make a text type");
  return type;
}

std::string text_of(const std::vector<std::byte>& raw, hid_t type) {
  std::string text(reinterpret_cast<const char*>(raw.data()), raw.size());
  if (H5Tget_strpad(type) == H5T_STR_NULLTERM) {
    if (!text.empty()) text.pop_back();
  } else {  // padded with zeros, as NumPy writes it
    while (!text.empty() && text.back() == '\0') text.pop_back();
  }
  return text;
}

std::uint64_t checked_elements(const Context& at, const Shape& shape) {
  std::uint64_t elements = 1;
  for (const std::uint64_t size : shape) {
    if (size != 0 && elements > std::numeric_limits<std::uint64_t>::max() / 16 / size) {
      at.refuse("the shape " + printed(shape) + " is impossible");
    }
    elements *= size;
  }
  return elements;
}

std::string printed(const Shape& shape) {
  std::string text = "[";
  for (const std::uint64_t size : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + "]";
}

bool exists(hid_t file, const std::string& name) {
  // H5Lexists fails, rather than answers, when a group on the way is missing: ask for each.
  for (std::size_t end = name.find('/', 1);; end = name.find('/', end + 1)) {
    const std::string part = name.substr(0, end);
    if (part != "/" && !part.empty() && H5Lexists(file, part.c_str(), H5P_DEFAULT) <= 0) return false;
    if (end == std::string::npos) break;
  }
  return name == "/" || H5Oexists_by_name(file, name.c_str(), H5P_DEFAULT) > 0;
}

void make_groups(const Context& at, hid_t file, const std::string& name, bool including_last) {
  if (name.empty() || name.front() != '/' || (name.size() > 1 && name.back() == '/') ||
      name.find("//") != std::string::npos) {
    at.refuse("'" + name + "' is not an absolute name such as /model/norm.weight");
  }
  const Id properties = at.own(H5Pcreate(H5P_GROUP_CREATE), H5Pclose, "cannot make a group");
  at.check(H5Pset_obj_track_times(properties, false), "cannot make a group");  // same content, same file
  for (std::size_t end = name.find('/', 1);; end = name.find('/', end + 1)) {
    if (end == std::string::npos && !including_last) return;
    const std::string part = name.substr(0, end);
    if (part != "/" && H5Lexists(file, part.c_str(), H5P_DEFAULT) <= 0) {
      at.own(H5Gcreate2(file, part.c_str(), H5P_DEFAULT, properties, H5P_DEFAULT), H5Gclose,
             "cannot make a group");
    }
    if (end == std::string::npos) return;
  }
}

}  // namespace bitdarts::store
