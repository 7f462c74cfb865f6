#pragma once
// For the .cpp files of this room only: the HDF5 C API under small owners, and its errors in our words.
#include <hdf5.h>
#include <stdlib.h>

#include <filesystem>
#include <string>
#include <utility>

#include "store/file.hpp"

namespace bitdarts::store {

/// An HDF5 identifier and the function that closes it.
class Id {
 public:
  using Closer = herr_t (*)(hid_t);
  Id(hid_t id, Closer closer) : id_(id), closer_(closer) {}
  Id(Id&& other) noexcept : id_(std::exchange(other.id_, -1)), closer_(other.closer_) {}
  Id& operator=(Id&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(closer_, other.closer_);
    return *this;
  }
  ~Id() {
    if (id_ >= 0) closer_(id_);
  }
  operator hid_t() const { return id_; }
  /// For what was written: HDF5 may notice only now that it does not fit the disk.
  herr_t close() { return closer_(release()); }
  hid_t release() { return std::exchange(id_, -1); }

 private:
  hid_t id_;
  Closer closer_;
};

/// Keeps HDF5 from printing its error stack while it lives.
class Silence {
 public:
  Silence() {
    // At exit HDF5 would once more write what a full disk has refused, and crash. We close every file
    // ourselves.
    [[maybe_unused]] static const herr_t before_anything_else = H5dont_atexit();
    // HDF5 would take the user's word over file.cpp's, and fail where the file system has no locks.
    [[maybe_unused]] static const int no_locks = unsetenv("HDF5_USE_FILE_LOCKING");
    H5Eget_auto2(H5E_DEFAULT, &print_, &data_);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  }
  ~Silence() { H5Eset_auto2(H5E_DEFAULT, print_, data_); }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

 private:
  H5E_auto2_t print_ = nullptr;
  void* data_ = nullptr;
};

/// What is being done to what: turns HDF5's failures into InputError (reading) or Error (writing) with file
/// and object.
class Context {
 public:
  enum class Doing { reading, writing };
  Context(std::filesystem::path file, std::string object, Doing doing)
      : file_(std::move(file)), object_(std::move(object)), doing_(doing) {}

  /// Throws with HDF5's innermost reason, when it has one.
  [[noreturn]] void fail(const std::string& what) const;
  /// Throws a failure that HDF5 does not know of.
  [[noreturn]] void refuse(const std::string& what, const std::string& remedy = {}) const;
  void check(herr_t status, const char* what) const {
    if (status < 0) fail(what);
  }
  Id own(hid_t id, Id::Closer closer, const char* what) const {
    if (id < 0) fail(what);
    return {id, closer};
  }

 private:
  Silence silence_;
  std::filesystem::path file_;
  std::string object_;
  Doing doing_;
};

struct File::Handle {
  std::filesystem::path path;
  Id file{-1, H5Fclose};
  bool writable = false;
  std::uint64_t length = 0;  ///< bytes on disk when opened for reading

  Context reading(const std::string& object) const { return {path, object, Context::Doing::reading}; }
  Context writing(const std::string& object) const { return {path, object, Context::Doing::writing}; }
};

hid_t stored_type(ElementType type);  ///< numeric types; little-endian, which is also how they lie in memory
/// The type of a dataset or attribute; nullopt for a type that bitdarts does not write.
std::optional<ElementType> element_type(hid_t type);
/// A fixed-length, zero-terminated UTF-8 type for `text`.
Id text_type(const Context& at, const std::string& text);
/// The text in the raw bytes of a fixed-length string.
std::string text_of(const std::vector<std::byte>& raw, hid_t type);
/// The element count, or a refusal when it does not fit 64 bits.
std::uint64_t checked_elements(const Context& at, const Shape& shape);
std::string printed(const Shape& shape);  ///< "[3, 4]"

bool exists(hid_t file, const std::string& name);
/// Makes the groups above (and, for a group, at) `name`.
void make_groups(const Context& at, hid_t file, const std::string& name, bool including_last);

}  // namespace bitdarts::store
