#include "strange_structures.hpp"

#include <hdf5.h>

#include <stdexcept>

namespace {

hid_t good(hid_t id) {
  if (id < 0) throw std::runtime_error("HDF5 refuses the structure");
  return id;
}

void dataset(hid_t file, const char* name, hid_t type, hid_t space, hid_t properties = H5P_DEFAULT) {
  good(H5Dclose(good(H5Dcreate2(file, name, type, space, H5P_DEFAULT, properties, H5P_DEFAULT))));
}

// Sizes that are only claimed: nothing is stored.
void huge_shape(hid_t file) {
  const hsize_t sizes[] = {hsize_t{1} << 24, hsize_t{1} << 20};
  dataset(file, "/model/claimed", H5T_IEEE_F32LE, good(H5Screate_simple(2, sizes, nullptr)));
}

void huge_chunk(hid_t file) {
  const hsize_t size = 16, most = H5S_UNLIMITED, chunk = hsize_t{1} << 29;
  const hid_t properties = good(H5Pcreate(H5P_DATASET_CREATE));
  good(H5Pset_chunk(properties, 1, &chunk));
  good(H5Pset_deflate(properties, 9));
  dataset(file, "/model/chunk", H5T_IEEE_F32LE, good(H5Screate_simple(1, &size, &most)), properties);
}

void external_data(hid_t file) {
  const hsize_t size = 64;
  const hid_t properties = good(H5Pcreate(H5P_DATASET_CREATE));
  good(H5Pset_external(properties, "/etc/passwd", 0, size));
  dataset(file, "/model/external", H5T_STD_U8LE, good(H5Screate_simple(1, &size, nullptr)), properties);
}

void virtual_data(hid_t file) {
  const hsize_t size = 64;
  const hid_t properties = good(H5Pcreate(H5P_DATASET_CREATE)),
              space = good(H5Screate_simple(1, &size, nullptr));
  good(H5Pset_virtual(properties, space, "elsewhere.h5", "/x", space));
  dataset(file, "/model/virtual", H5T_STD_U8LE, space, properties);
}

void huge_text(hid_t file) {
  const hid_t type = good(H5Tcopy(H5T_C_S1));
  good(H5Tset_size(type, std::size_t{1} << 31));
  dataset(file, "/model/text", type, good(H5Screate(H5S_SCALAR)));
}

void compound(hid_t file) {
  const hid_t type = good(H5Tcreate(H5T_COMPOUND, 16));
  good(H5Tinsert(type, "a", 0, H5T_NATIVE_DOUBLE));
  good(H5Tinsert(type, "b", 8, H5T_NATIVE_INT));
  dataset(file, "/model/compound", type, good(H5Screate(H5S_SCALAR)));
}

void deep(hid_t file) {
  hid_t group = good(H5Gopen2(file, "/model", H5P_DEFAULT));
  for (int i = 0; i < 2000; ++i) group = good(H5Gcreate2(group, "d", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
}

void many(hid_t file) {
  const hid_t group = good(H5Gopen2(file, "/model", H5P_DEFAULT)), space = good(H5Screate(H5S_SCALAR));
  for (int i = 0; i < 20000; ++i) dataset(group, std::to_string(i).c_str(), H5T_STD_U8LE, space);
}

}  // namespace

void add_strange_structure(const std::string& path, const std::string& kind) {
  const hid_t access = good(H5Pcreate(H5P_FILE_ACCESS));
  good(H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110));
  good(H5Pset_fclose_degree(access, H5F_CLOSE_STRONG));
  const hid_t file = good(H5Fopen(path.c_str(), H5F_ACC_RDWR, access));
  H5Ldelete(file, "/model", H5P_DEFAULT);
  good(H5Gcreate2(file, "/model", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  if (kind == "cycle") {  // two ways round, so that depth alone does not end it
    good(H5Lcreate_hard(file, "/model", file, "/model/a", H5P_DEFAULT, H5P_DEFAULT));
    good(H5Lcreate_hard(file, "/model", file, "/model/b", H5P_DEFAULT, H5P_DEFAULT));
  } else if (kind == "links") {
    good(H5Lcreate_soft("/provenance", file, "/model/soft", H5P_DEFAULT, H5P_DEFAULT));
    good(H5Lcreate_soft("/nowhere", file, "/model/dangling", H5P_DEFAULT, H5P_DEFAULT));
  } else if (kind == "external_link") {
    good(H5Lcreate_external("elsewhere.h5", "/x", file, "/model/external", H5P_DEFAULT, H5P_DEFAULT));
  } else if (kind == "external_data") {
    external_data(file);
  } else if (kind == "virtual") {
    virtual_data(file);
  } else if (kind == "huge_shape") {
    huge_shape(file);
  } else if (kind == "huge_chunk") {
    huge_chunk(file);
  } else if (kind == "huge_text") {
    huge_text(file);
  } else if (kind == "compound") {
    compound(file);
  } else if (kind == "null") {
    dataset(file, "/model/null", H5T_STD_U8LE, good(H5Screate(H5S_NULL)));
  } else if (kind == "deep") {
    deep(file);
  } else if (kind == "many") {
    many(file);
  } else {
    throw std::runtime_error("unknown structure " + kind);
  }
  good(H5Fclose(file));
}
