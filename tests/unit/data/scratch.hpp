#pragma once
#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"
#include "data/documents.hpp"
#include "scratch_directory.hpp"

namespace bitdarts::test {

namespace fs = std::filesystem;

/// A directory of one test, and what texts it needs.
class Scratch : public ScratchDirectory {
 public:
  fs::path write(const std::string& name, std::string_view content) const {
    const fs::path file = *this / name;
    fs::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << content;
    return file;
  }
  fs::path write_gzip(const std::string& name, std::string_view content) const {
    const fs::path path = *this / name;
    gzFile file = gzopen(path.c_str(), "wb");
    gzwrite(file, content.data(), static_cast<unsigned>(content.size()));
    gzclose(file);
    return path;
  }
};

/// Calls `visit(document, offset)` for each document of a file, in order.
template <class Visit>
void read_documents(const std::filesystem::path& file, const config::DataOptions& options, Visit&& visit) {
  data::DocumentReader reader(file, options);
  std::string document;
  std::uint64_t offset = 0;
  while (reader.next(document, offset)) visit(std::move(document), offset);
}

/// The message of the E that `work` throws; fails the test when it throws nothing or something else.
template <class E, class Work>
std::string message_of(Work&& work) {
  try {
    work();
  } catch (const E& error) {
    return error.what();
  } catch (const std::exception& error) {
    FAIL("another exception: " << error.what());
  }
  FAIL("no exception");
  return {};
}

inline bool mentions(const std::string& message, const std::string& part) {
  INFO(message);
  CHECK(message.find(part) != std::string::npos);
  return message.find(part) != std::string::npos;
}

}  // namespace bitdarts::test
