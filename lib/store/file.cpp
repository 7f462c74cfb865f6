#include "store/file.hpp"

#include <algorithm>
#include <utility>

#include "store/hdf5.hpp"

namespace bitdarts::store {
namespace {

// Format 1.10 has a checksum on every piece of metadata, so that damage is an error and not a wild pointer,
// and both HDF5 1.10 and 1.14 write it.
Id access_properties(const Context& at) {
  Id properties = at.own(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "cannot prepare HDF5");
  at.check(H5Pset_libver_bounds(properties, H5F_LIBVER_V110, H5F_LIBVER_V110), "cannot prepare HDF5");
  // No locks of HDF5, which some network file systems refuse: published files never change, and one that is
  // being written has a name that nobody else reads, in a directory that its run has to itself.
  at.check(H5Pset_file_locking(properties, false, true), "cannot prepare HDF5");
  return properties;
}

// Deeper than any bitdarts file, and a stop for groups that link to their own ancestors.
constexpr int deepest_group = 32;
// With two such links in a group the depth alone would stop nothing in a lifetime.
constexpr std::size_t most_objects = std::size_t{1} << 20;

struct Links {
  std::vector<std::string> names;
  bool all_hard = true;
};

herr_t keep_link(hid_t, const char* name, const H5L_info_t* link, void* found) {
  auto* links = static_cast<Links*>(found);
  links->names.emplace_back(name);
  links->all_hard = links->all_hard && link->type == H5L_TYPE_HARD;
  return 0;
}

std::vector<std::string> names_in(const Context& at, hid_t group) {
  Links links;
  auto& names = links.names;
  hsize_t from = 0;
  // In native order: for any other one HDF5 1.10 first makes a table of the links, and crashes when it
  // cannot.
  at.check(H5Literate(group, H5_INDEX_NAME, H5_ITER_NATIVE, &from, keep_link, &links),
           "cannot list the group");
  // They lead to other names or other files, and bitdarts writes none.
  if (!links.all_hard) at.refuse("it holds symbolic links");
  std::sort(names.begin(), names.end());
  return names;
}

void collect(const Context& at, hid_t group, const std::string& prefix, H5I_type_t wanted,
             std::vector<std::string>& found, std::size_t& seen, int depth) {
  if (depth > deepest_group)
    at.refuse("the groups are nested more than " + std::to_string(deepest_group) + " deep");
  for (const std::string& name : names_in(at, group)) {
    if (++seen > most_objects) at.refuse("it holds more than " + std::to_string(most_objects) + " objects");
    const Id object =
        at.own(H5Oopen(group, name.c_str(), H5P_DEFAULT), H5Oclose, "cannot open what the group lists");
    const std::string full = prefix + "/" + name;
    const H5I_type_t type = H5Iget_type(object);
    if (type == wanted) found.push_back(full);
    if (type == H5I_GROUP) collect(at, object, full, wanted, found, seen, depth + 1);
  }
}

std::vector<std::string> objects_below(const Context& at, hid_t file, const std::string& group,
                                       H5I_type_t wanted) {
  std::vector<std::string> found;
  const Id top = at.own(H5Gopen2(file, group.c_str(), H5P_DEFAULT), H5Gclose, "there is no such group");
  std::size_t seen = 0;
  collect(at, top, group == "/" ? "" : group, wanted, found, seen, 0);
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

std::uint64_t DatasetInfo::elements() const {
  std::uint64_t elements = 1;
  for (const std::uint64_t size : shape) elements *= size;
  return elements;
}

std::uint64_t DatasetInfo::bytes() const { return elements() * size_of(type); }

File::File(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}
File::File(File&&) noexcept = default;
File& File::operator=(File&&) noexcept = default;

File::~File() {
  if (!handle_) return;
  const Silence silence;
  handle_.reset();
}

File File::open(const std::filesystem::path& path) {
  const Context at(path, "", Context::Doing::reading);
  std::error_code error;
  if (!std::filesystem::exists(path, error)) at.refuse("the file does not exist");
  if (!std::filesystem::is_regular_file(path, error)) at.refuse("this is not a file");
  auto handle = std::make_unique<Handle>();
  handle->path = path;
  handle->length = std::filesystem::file_size(path, error);
  if (error) at.refuse("cannot read the file (" + error.message() + ")");
  if (handle->length == 0) at.refuse("the file is empty");
  handle->file = at.own(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access_properties(at)), H5Fclose,
                        "cannot open the file as HDF5");
  return File(std::move(handle));
}

File File::create(const std::filesystem::path& path) {
  const Context at(path, "", Context::Doing::writing);
  const Id properties = at.own(H5Pcreate(H5P_FILE_CREATE), H5Pclose, "cannot prepare HDF5");
  at.check(H5Pset_obj_track_times(properties, false), "cannot prepare HDF5");  // same content, same file
  auto handle = std::make_unique<Handle>();
  handle->path = path;
  handle->writable = true;
  handle->file = at.own(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, properties, access_properties(at)), H5Fclose,
                        "cannot create the file");
  return File(std::move(handle));
}

void File::close() {
  if (!handle_ || handle_->file < 0) return;
  const Context at = handle_->writing("");
  if (handle_->writable) at.check(H5Fflush(handle_->file, H5F_SCOPE_GLOBAL), "cannot write the file");
  at.check(handle_->file.close(), "cannot close the file");
}

const std::filesystem::path& File::path() const { return handle_->path; }

bool File::has(const std::string& name) const {
  const Silence silence;
  return exists(handle_->file, name);
}

std::vector<std::string> File::children(const std::string& group) const {
  const Context at = handle_->reading(group);
  return names_in(
      at, at.own(H5Gopen2(handle_->file, group.c_str(), H5P_DEFAULT), H5Gclose, "there is no such group"));
}

std::vector<std::string> File::datasets(const std::string& group) const {
  return objects_below(handle_->reading(group), handle_->file, group, H5I_DATASET);
}

std::vector<std::string> File::groups(const std::string& group) const {
  return objects_below(handle_->reading(group), handle_->file, group, H5I_GROUP);
}

void File::copy(const File& source, const std::string& object) {
  const Context at = handle_->writing(object);
  make_groups(at, handle_->file, object, false);
  at.check(
      H5Ocopy(source.handle_->file, object.c_str(), handle_->file, object.c_str(), H5P_DEFAULT, H5P_DEFAULT),
      "cannot copy it from another file");
}

const char* name_of(ElementType type) {
  switch (type) {
    case ElementType::float32:
      return "float32";
    case ElementType::float64:
      return "float64";
    case ElementType::int8:
      return "int8";
    case ElementType::uint8:
      return "uint8";
    case ElementType::int16:
      return "int16";
    case ElementType::uint16:
      return "uint16";
    case ElementType::int32:
      return "int32";
    case ElementType::uint32:
      return "uint32";
    case ElementType::int64:
      return "int64";
    case ElementType::uint64:
      return "uint64";
    case ElementType::text:
      return "text";
  }
  return "unknown";
}

std::size_t size_of(ElementType type) {
  switch (type) {
    case ElementType::int8:
    case ElementType::uint8:
    case ElementType::text:
      return 1;
    case ElementType::int16:
    case ElementType::uint16:
      return 2;
    case ElementType::float32:
    case ElementType::int32:
    case ElementType::uint32:
      return 4;
    case ElementType::float64:
    case ElementType::int64:
    case ElementType::uint64:
      return 8;
  }
  return 0;
}

}  // namespace bitdarts::store
