#pragma once
#include <stdlib.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"
#include "data/documents.hpp"

namespace bitdarts::test {

namespace fs = std::filesystem;

/// A directory of one test, gone when the test ends.
class Scratch {
 public:
  Scratch() {
    std::string name = (fs::temp_directory_path() / "bitdarts-data-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
    path_ = name;
  }
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  fs::path operator/(const std::string& name) const { return path_ / name; }
  const fs::path& path() const { return path_; }

  fs::path write(const std::string& name, std::string_view content) const {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << content;
    return path_ / name;
  }
  fs::path write_gzip(const std::string& name, std::string_view content) const {
    gzFile file = gzopen((path_ / name).c_str(), "wb");
    gzwrite(file, content.data(), static_cast<unsigned>(content.size()));
    gzclose(file);
    return path_ / name;
  }

 private:
  fs::path path_;
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
