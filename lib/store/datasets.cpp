#include <algorithm>
#include <type_traits>

#include "core/error.hpp"
#include "store/hdf5.hpp"

namespace bitdarts::store {
namespace {

// The unit of checksumming. A larger chunk would not fit HDF5's default cache.
constexpr std::uint64_t chunk_bytes = std::uint64_t{1} << 20;

template <class T>
constexpr ElementType type_of() {
  if constexpr (std::is_same_v<T, float>) return ElementType::float32;
  if constexpr (std::is_same_v<T, double>) return ElementType::float64;
  if constexpr (std::is_same_v<T, std::int8_t>) return ElementType::int8;
  if constexpr (std::is_same_v<T, std::uint8_t>) return ElementType::uint8;
  if constexpr (std::is_same_v<T, std::int16_t>) return ElementType::int16;
  if constexpr (std::is_same_v<T, std::uint16_t>) return ElementType::uint16;
  if constexpr (std::is_same_v<T, std::int32_t>) return ElementType::int32;
  if constexpr (std::is_same_v<T, std::uint32_t>) return ElementType::uint32;
  if constexpr (std::is_same_v<T, std::int64_t>) return ElementType::int64;
  if constexpr (std::is_same_v<T, std::uint64_t>) return ElementType::uint64;
}

// Chunks of whole rows as far as they fit, and of equal size: HDF5 stores the last one padded to full size.
std::vector<hsize_t> chunks_for(const Shape& shape, std::size_t element_size) {
  std::vector<hsize_t> chunk(shape.size());
  std::uint64_t room = chunk_bytes / element_size;
  for (std::size_t i = shape.size(); i-- > 0;) {
    const std::uint64_t most = std::min(shape[i], std::max<std::uint64_t>(room, 1));
    const std::uint64_t pieces = (shape[i] + most - 1) / most;
    chunk[i] = (shape[i] + pieces - 1) / pieces;
    room /= chunk[i];
  }
  return chunk;
}

struct OpenDataset {
  Id dataset, type, space;
  DatasetInfo info;
  std::uint64_t bytes;  // in the file, the terminator of a text included
};

Shape shape_of(const Context& at, hid_t space) {
  const int dimensions = H5Sget_simple_extent_ndims(space);
  if (dimensions < 0) at.fail("cannot read the shape");
  std::vector<hsize_t> sizes(static_cast<std::size_t>(dimensions));
  at.check(H5Sget_simple_extent_dims(space, sizes.data(), nullptr), "cannot read the shape");
  return {sizes.begin(), sizes.end()};
}

OpenDataset open_dataset(const Context& at, hid_t file, const std::string& name) {
  if (!exists(file, name)) at.refuse("there is no such dataset");
  Id dataset = at.own(H5Dopen2(file, name.c_str(), H5P_DEFAULT), H5Dclose, "cannot open the dataset");
  Id type = at.own(H5Dget_type(dataset), H5Tclose, "cannot read the type");
  Id space = at.own(H5Dget_space(dataset), H5Sclose, "cannot read the shape");
  Shape shape = shape_of(at, space);
  const std::uint64_t elements = checked_elements(at, shape);
  const auto element = element_type(type);
  if (!element) at.refuse("its type is none that bitdarts writes");
  if (H5Sget_simple_extent_type(space) == H5S_NULL || (*element == ElementType::text && !shape.empty())) {
    at.refuse("its shape is none that bitdarts writes");
  }
  const std::uint64_t bytes = elements * H5Tget_size(type);
  if (*element == ElementType::text) {
    shape = {bytes - (H5Tget_strpad(type) == H5T_STR_NULLTERM ? 1 : 0)};
  }
  return {std::move(dataset), std::move(type), std::move(space), {*element, std::move(shape)}, bytes};
}

// The elements of one chunk, which HDF5 holds in memory as a whole; 0 without chunks.
std::uint64_t chunk_elements(const Context& at, hid_t properties, std::size_t dimensions) {
  if (H5Pget_layout(properties) != H5D_CHUNKED) return 0;
  std::vector<hsize_t> sizes(dimensions);
  if (H5Pget_chunk(properties, static_cast<int>(dimensions), sizes.data()) < 0)
    at.fail("cannot read the chunks");
  return checked_elements(at, {sizes.begin(), sizes.end()});
}

// Elements that lie in other files are outside everything that is checked here.
void check_layout(const Context& at, const OpenDataset& open, std::uint64_t limit) {
  const Id properties =
      at.own(H5Dget_create_plist(open.dataset), H5Pclose, "cannot read how the dataset is stored");
  if (H5Pget_layout(properties) == H5D_VIRTUAL || H5Pget_external_count(properties) > 0)
    at.refuse("its elements lie in another file, as bitdarts never writes them");
  const std::uint64_t chunk = chunk_elements(at, properties, open.info.shape.size());
  if (chunk * H5Tget_size(open.type) > limit) {
    at.refuse("one of its chunks is larger than the file",
              "the file is damaged: remove it and make it again");
  }
}

// A damaged or malicious shape must not make us ask for more memory than the file could fill.
void check_stored(const Context& at, const OpenDataset& open, bool writable, std::uint64_t file_length) {
  if (!writable) check_layout(at, open, file_length);
  const std::uint64_t stored = H5Dget_storage_size(open.dataset);
  if (open.bytes > stored || (!writable && open.bytes > file_length)) {
    at.refuse("it claims " + std::to_string(open.bytes) + " bytes, but the file holds " +
                  std::to_string(writable ? stored : std::min(stored, file_length)),
              "the file is damaged: remove it and make it again");
  }
}

void read_into(const Context& at, const OpenDataset& open, void* data) {
  if (open.bytes == 0) return;
  at.check(H5Dread(open.dataset, open.type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data), "cannot read the dataset");
}

// Makes `count` rows of the first dimension, from `first` on, what is read or written; the memory that they
// take.
Id select_rows(const Context& at, const OpenDataset& open, std::uint64_t first, std::uint64_t count) {
  std::vector<hsize_t> start(open.info.shape.size(), 0);
  std::vector<hsize_t> extent(open.info.shape.begin(), open.info.shape.end());
  start[0] = first;
  extent[0] = count;
  Id memory = at.own(H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr), H5Sclose,
                     "cannot describe the slice");
  at.check(H5Sselect_hyperslab(open.space, H5S_SELECT_SET, start.data(), nullptr, extent.data(), nullptr),
           "cannot select the slice");
  return memory;
}

void read_rows_into(const Context& at, const OpenDataset& open, std::uint64_t first, std::uint64_t count,
                    void* data) {
  if (count == 0 || open.bytes == 0) return;
  const Id memory = select_rows(at, open, first, count);
  at.check(H5Dread(open.dataset, open.type, memory, open.space, H5P_DEFAULT, data),
           "cannot read the dataset");
}

void check_rows(const Context& at, const Shape& shape, std::uint64_t first, std::uint64_t count) {
  if (shape.empty() || first > shape[0] || count > shape[0] - first) {
    at.refuse("the slice of " + std::to_string(count) + " from " + std::to_string(first) + " is outside " +
              printed(shape));
  }
}

void check_type(const Context& at, ElementType found, ElementType wanted) {
  if (found != wanted) {
    at.refuse(std::string("its type is ") + name_of(found) + ", and " + name_of(wanted) + " is needed");
  }
}

Id create_dataset(const Context& at, hid_t file, const std::string& name, hid_t type, hid_t space,
                  hid_t properties) {
  make_groups(at, file, name, false);
  if (exists(file, name)) at.refuse("a dataset or group of this name is there already");
  at.check(H5Pset_obj_track_times(properties, false),
           "cannot create the dataset");  // same content, same file
  return at.own(H5Dcreate2(file, name.c_str(), type, space, H5P_DEFAULT, properties, H5P_DEFAULT), H5Dclose,
                "cannot create the dataset");
}

// A numeric dataset; chunks, and with them checksums, exist only where there is something along every
// dimension.
Id create_numeric(const Context& at, hid_t file, const std::string& name, ElementType element,
                  const Shape& shape) {
  const std::vector<hsize_t> sizes(shape.begin(), shape.end());
  const Id space =
      at.own(shape.empty() ? H5Screate(H5S_SCALAR)
                           : H5Screate_simple(static_cast<int>(sizes.size()), sizes.data(), nullptr),
             H5Sclose, "cannot describe the shape");
  const Id properties = at.own(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, "cannot create the dataset");
  if (!shape.empty() && checked_elements(at, shape) > 0) {
    const auto chunks = chunks_for(shape, size_of(element));
    at.check(H5Pset_chunk(properties, static_cast<int>(chunks.size()), chunks.data()),
             "cannot set the chunks");
    at.check(H5Pset_fletcher32(properties), "cannot set the checksum");
  }
  return create_dataset(at, file, name, stored_type(element), space, properties);
}

}  // namespace

DatasetInfo File::info(const std::string& dataset) const {
  const Context at = handle_->reading(dataset);
  const OpenDataset open = open_dataset(at, handle_->file, dataset);
  check_stored(at, open, handle_->writable, handle_->length);
  return open.info;
}

template <class T>
void File::write(const std::string& dataset, std::span<const T> data, const Shape& shape) {
  const Context at = handle_->writing(dataset);
  if (checked_elements(at, shape) != data.size()) {
    at.refuse(std::to_string(data.size()) + " elements do not fill the shape " + printed(shape));
  }
  Id created = create_numeric(at, handle_->file, dataset, type_of<T>(), shape);
  if (!data.empty()) {
    at.check(H5Dwrite(created, stored_type(type_of<T>()), H5S_ALL, H5S_ALL, H5P_DEFAULT, data.data()),
             "cannot write the dataset");
  }
  at.check(created.close(), "cannot write the dataset");
}

template <class T>
void File::reserve(const std::string& dataset, const Shape& shape) {
  const Context at = handle_->writing(dataset);
  Id created = create_numeric(at, handle_->file, dataset, type_of<T>(), shape);
  at.check(created.close(), "cannot write the dataset");
}

template <class T>
void File::write_rows(const std::string& dataset, std::uint64_t first, std::span<const T> rows) {
  const Context at = handle_->writing(dataset);
  OpenDataset open = open_dataset(at, handle_->file, dataset);
  check_type(at, open.info.type, type_of<T>());
  check_rows(at, open.info.shape, 0, 0);
  const std::uint64_t row = open.info.shape[0] == 0 ? 0 : open.info.elements() / open.info.shape[0];
  if (rows.empty()) return;
  if (row == 0 || rows.size() % row != 0) {
    at.refuse(std::to_string(rows.size()) + " elements are no whole rows of the shape " +
              printed(open.info.shape));
  }
  const std::uint64_t count = rows.size() / row;
  check_rows(at, open.info.shape, first, count);
  const Id memory = select_rows(at, open, first, count);
  at.check(H5Dwrite(open.dataset, open.type, memory, open.space, H5P_DEFAULT, rows.data()),
           "cannot write the dataset");
  at.check(open.dataset.close(), "cannot write the dataset");
}

template <class T>
std::vector<T> File::read(const std::string& dataset) const {
  const Context at = handle_->reading(dataset);
  const OpenDataset open = open_dataset(at, handle_->file, dataset);
  check_type(at, open.info.type, type_of<T>());
  check_stored(at, open, handle_->writable, handle_->length);
  std::vector<T> data(open.info.elements());
  read_into(at, open, data.data());
  return data;
}

template <class T>
std::vector<T> File::read(const std::string& dataset, const Shape& expected) const {
  const Shape found = info(dataset).shape;
  if (found != expected) {
    handle_->reading(dataset).refuse("its shape is " + printed(found) + ", and " + printed(expected) +
                                     " is needed");
  }
  return read<T>(dataset);
}

template <class T>
std::vector<T> File::read_slice(const std::string& dataset, std::uint64_t first, std::uint64_t count) const {
  const Context at = handle_->reading(dataset);
  const OpenDataset open = open_dataset(at, handle_->file, dataset);
  check_type(at, open.info.type, type_of<T>());
  check_stored(at, open, handle_->writable, handle_->length);
  if (open.info.shape.size() != 1)
    at.refuse("it has the shape " + printed(open.info.shape) + ", not one dimension");
  check_rows(at, open.info.shape, first, count);
  std::vector<T> data(count);
  read_rows_into(at, open, first, count, data.data());
  return data;
}

std::vector<std::byte> File::read_rows(const std::string& dataset, std::uint64_t first,
                                       std::uint64_t count) const {
  const Context at = handle_->reading(dataset);
  const OpenDataset open = open_dataset(at, handle_->file, dataset);
  if (open.info.type == ElementType::text) at.refuse("a text has no rows");
  check_stored(at, open, handle_->writable, handle_->length);
  check_rows(at, open.info.shape, first, count);
  const std::uint64_t row = open.info.shape[0] == 0 ? 0 : open.bytes / open.info.shape[0];
  std::vector<std::byte> data(row * count);
  read_rows_into(at, open, first, count, data.data());
  return data;
}

std::vector<std::byte> File::read_bytes(const std::string& dataset) const {
  const Context at = handle_->reading(dataset);
  const OpenDataset open = open_dataset(at, handle_->file, dataset);
  check_stored(at, open, handle_->writable, handle_->length);
  std::vector<std::byte> data(open.bytes);
  read_into(at, open, data.data());
  data.resize(open.info.bytes());  // without the terminator of a text
  return data;
}

void File::write_text(const std::string& dataset, const std::string& text) {
  const Context at = handle_->writing(dataset);
  const Id type = text_type(at, text);
  const Id space = at.own(H5Screate(H5S_SCALAR), H5Sclose, "cannot describe the shape");
  const Id properties = at.own(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, "cannot create the dataset");
  Id created = create_dataset(at, handle_->file, dataset, type, space, properties);
  at.check(H5Dwrite(created, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, text.c_str()), "cannot write the dataset");
  at.check(created.close(), "cannot write the dataset");
}

std::string File::read_text(const std::string& dataset) const {
  const Context at = handle_->reading(dataset);
  const OpenDataset open = open_dataset(at, handle_->file, dataset);
  check_type(at, open.info.type, ElementType::text);
  check_stored(at, open, handle_->writable, handle_->length);
  std::vector<std::byte> raw(open.bytes);
  read_into(at, open, raw.data());
  return text_of(raw, open.type);
}

#define BITDARTS_STORE_TYPE(T)                                                              \
  template void File::write<T>(const std::string&, std::span<const T>, const Shape&);       \
  template void File::reserve<T>(const std::string&, const Shape&);                         \
  template void File::write_rows<T>(const std::string&, std::uint64_t, std::span<const T>); \
  template std::vector<T> File::read<T>(const std::string&) const;                          \
  template std::vector<T> File::read<T>(const std::string&, const Shape&) const;            \
  template std::vector<T> File::read_slice<T>(const std::string&, std::uint64_t, std::uint64_t) const;
BITDARTS_STORE_TYPE(float)
BITDARTS_STORE_TYPE(double)
BITDARTS_STORE_TYPE(std::int8_t)
BITDARTS_STORE_TYPE(std::uint8_t)
BITDARTS_STORE_TYPE(std::int16_t)
BITDARTS_STORE_TYPE(std::uint16_t)
BITDARTS_STORE_TYPE(std::int32_t)
BITDARTS_STORE_TYPE(std::uint32_t)
BITDARTS_STORE_TYPE(std::int64_t)
BITDARTS_STORE_TYPE(std::uint64_t)
#undef BITDARTS_STORE_TYPE

}  // namespace bitdarts::store
