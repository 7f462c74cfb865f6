#pragma once
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "store/file.hpp"

namespace bitdarts::store {

/// One input of a product: what it was, where it was, and the content hash it had.
struct InputRecord {
  std::string name;  ///< "tokens", "pretrained", ...
  std::string path;
  std::string content_hash;
};

/// Who made a file, from what, when and where. Lives in /provenance and is left out of content hash and diff.
struct Provenance {
  std::string stage;  ///< "tokenize", ..., or "checkpoint:search"
  std::int64_t schema_version = 1;
  std::string key;
  std::string configuration;  ///< the resolved INI
  std::string program_version, git_revision, compiler;
  std::string libraries;             ///< "LibTorch 1.13.1, OpenMPI 4.1.4, ..."
  std::string host, started, ended;  ///< times: ISO 8601 UTC
  std::int64_t ranks = 1, threads = 1;
  std::vector<InputRecord> inputs;
  /// What the last bits may depend on beside the key (stage/machine.hpp); empty in files of earlier versions.
  std::string processor{}, vector_instructions{}, blas{};
};

/// Hash of every dataset and attribute outside /provenance: names, types, shapes, bytes, in sorted order.
std::string content_hash(const File& file);

/// Everything outside /provenance: `to`, which is empty, has the content hash of `from` then.
void copy_content(const File& from, File& to);

/// Write a file that is either whole or not there: fill `path`.tmp, add provenance and content hash, close
/// with checks, fsync, rename, fsync the directory. On any failure the temporary file is removed, an existing
/// `path` stays, and Error names the file and the cause (no space, read-only, ...).
void publish(const std::filesystem::path& path, const Provenance& provenance,
             const std::function<void(File&)>& fill);

/// The same in steps, for a file that is written while its content is computed. Without finish() nothing is
/// left of it.
class Publication {
 public:
  explicit Publication(std::filesystem::path path);
  /// May be called again and again.
  void write(const std::function<void(File&)>& fill);
  void finish(const Provenance& provenance);

 private:
  struct Temporary {
    std::filesystem::path path;
    ~Temporary();  // after the rename there is nothing left to remove
  };
  std::filesystem::path path_;
  Temporary temporary_;
  std::optional<File> file_;
};

/// The provenance of a bitdarts file; InputError when it has none.
Provenance read_provenance(const File& file);

struct Verdict {
  bool whole = false;
  std::string reason;  ///< why not
  Provenance provenance;
  std::string content_hash;
};
/// Does the file exist, open, and have the content hash that it says? Never throws for a bad file.
Verdict verify(const std::filesystem::path& path);

/// Open an input of a stage: InputError when it is missing, damaged, of another stage, or of another schema
/// version (each with its own remedy, e.g. "run bitdarts-pretrain with the same --out first"). `content_hash`
/// receives the file's hash.
File open_product(const std::filesystem::path& path, const std::string& stage, std::int64_t schema_version,
                  std::string* content_hash = nullptr);

/// Differences between two products, /provenance aside; empty when bit-identical.
std::vector<std::string> differences(const File& a, const File& b);

}  // namespace bitdarts::store
