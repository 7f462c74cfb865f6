#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace bitdarts::store {

using Shape = std::vector<std::uint64_t>;

enum class ElementType { float32, float64, int8, uint8, int16, uint16, int32, uint32, int64, uint64, text };

/// Type and shape; a text has the shape [bytes].
struct DatasetInfo {
  ElementType type;
  Shape shape;
  std::uint64_t elements() const;
  std::uint64_t bytes() const;
};

/// One open HDF5 file. Typed datasets with absolute names ("/model/norm.weight"), groups made on the way,
/// text as a scalar UTF-8 string dataset, small facts as attributes of groups or datasets. Numeric datasets
/// carry a fletcher32 checksum. Every failure is an InputError (reading) or Error (writing) that names file
/// and dataset; nothing is printed. Plain for h5py and h5dump.
class File {
 public:
  static File open(const std::filesystem::path& path);    ///< read only
  static File create(const std::filesystem::path& path);  ///< truncates
  File(File&&) noexcept;
  File& operator=(File&&) noexcept;
  ~File();  ///< closes without throwing; writers call close()
  void close();
  const std::filesystem::path& path() const;

  bool has(const std::string& name) const;                                  ///< group or dataset
  std::vector<std::string> children(const std::string& group) const;        ///< names, sorted
  std::vector<std::string> datasets(const std::string& group = "/") const;  ///< full names below, sorted
  std::vector<std::string> groups(const std::string& group = "/") const;    ///< full names below, sorted
  /// Of what is really stored: a size that the file cannot hold is an InputError, so that memory may be taken
  /// for it.
  DatasetInfo info(const std::string& dataset) const;

  template <class T>
  void write(const std::string& dataset, std::span<const T> data, const Shape& shape);
  template <class T>
  void write(const std::string& dataset, std::span<const T> data) {
    write<T>(dataset, data, Shape{data.size()});
  }
  /// A dataset to be filled by write_rows, for what does not fit memory as a whole.
  template <class T>
  void reserve(const std::string& dataset, const Shape& shape);
  /// Rows of the first dimension from `first` on, as many as `rows` holds.
  template <class T>
  void write_rows(const std::string& dataset, std::uint64_t first, std::span<const T> rows);
  /// The whole dataset; its type must be T exactly. The size is checked against the file's own length before
  /// memory is taken.
  template <class T>
  std::vector<T> read(const std::string& dataset) const;
  /// The same, and the shape must match.
  template <class T>
  std::vector<T> read(const std::string& dataset, const Shape& expected) const;
  /// `count` elements from `first` on, of a one-dimensional dataset.
  template <class T>
  std::vector<T> read_slice(const std::string& dataset, std::uint64_t first, std::uint64_t count) const;
  /// Bytes of the dataset as stored in memory, whatever its type (for hashing and comparing).
  std::vector<std::byte> read_bytes(const std::string& dataset) const;

  /// The same for `count` rows of the first dimension from `first` on, to walk through a dataset larger than
  /// memory.
  std::vector<std::byte> read_rows(const std::string& dataset, std::uint64_t first,
                                   std::uint64_t count) const;

  /// A group or dataset of another file with everything below it and its attributes, under the same name.
  void copy(const File& source, const std::string& object);

  void write_text(const std::string& dataset, const std::string& text);
  std::string read_text(const std::string& dataset) const;

  void set_attribute(const std::string& object, const std::string& name, const std::string& value);
  void set_attribute(const std::string& object, const std::string& name, std::int64_t value);
  void set_attribute(const std::string& object, const std::string& name, double value);
  /// nullopt when absent; wrong type is an InputError.
  std::optional<std::string> text_attribute(const std::string& object, const std::string& name) const;
  std::optional<std::int64_t> int_attribute(const std::string& object, const std::string& name) const;
  std::optional<double> double_attribute(const std::string& object, const std::string& name) const;
  /// The attribute, or an InputError that names it.
  std::int64_t required_int(const std::string& object, const std::string& name) const;
  double required_double(const std::string& object, const std::string& name) const;
  std::string required_text(const std::string& object, const std::string& name) const;
  /// name -> printed value, sorted; for inspect and diff.
  std::vector<std::pair<std::string, std::string>> attributes(const std::string& object) const;
  ElementType attribute_type(const std::string& object, const std::string& name) const;

 private:
  struct Handle;
  explicit File(std::unique_ptr<Handle> handle);
  std::unique_ptr<Handle> handle_;
};

/// "HDF5 1.10.8", of the library in use. The first call into HDF5 must be this room's, which prepares it.
std::string hdf5_version();

const char* name_of(ElementType type);  ///< "float32", ... as h5py prints them
std::size_t size_of(ElementType type);

}  // namespace bitdarts::store
