#include "store/product.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <functional>

#include "core/error.hpp"
#include "core/plain_message.hpp"

namespace bitdarts::store {
namespace {

const std::string provenance_group = "/provenance";

[[noreturn]] void cannot(const std::string& what, const std::filesystem::path& path,
                         const std::string& reason) {
  throw Error(what + " (" + reason + ")", path.string(), "look at free space, quota and write permission");
}

// Some file systems (network, FUSE) cannot sync a directory, or anything, and say so; there the rename itself
// is all one can have, and hours of work are not lost for it. A failed sync is another thing.
bool has_no_syncing(int failure) {
  return failure == EINVAL || failure == EBADF || failure == ENOSYS || failure == EOPNOTSUPP;
}

// Data and names reach the disk, not only the system's memory: a power cut keeps what was published.
// `named`: the file that it is about, for the error.
void sync_to_disk(const std::filesystem::path& path, int flags, const std::filesystem::path& named) {
  const int descriptor = ::open(path.c_str(), flags);
  // A directory in which one may write but not list.
  if (descriptor < 0 && (flags & O_DIRECTORY) && errno == EACCES) return;
  if (descriptor < 0) cannot("cannot open for syncing", named, std::strerror(errno));
  const int failed = ::fsync(descriptor) == 0 ? 0 : errno;
  const int close_failed = ::close(descriptor) == 0 ? 0 : errno;
  if (failed != 0 && !has_no_syncing(failed)) {
    cannot((flags & O_DIRECTORY) ? "the file is written, but its name cannot be synced to disk"
                                 : "cannot sync to disk",
           named, std::strerror(failed));
  }
  if (close_failed != 0) cannot("cannot close after syncing", named, std::strerror(close_failed));
}

// What goes wrong, with the name that the file is to have.
template <class Work>
void named_after(const std::filesystem::path& path, Work&& work) {
  try {
    work();
  } catch (const Error&) {
    throw;
  } catch (const std::filesystem::filesystem_error& error) {
    cannot("cannot publish the file", path, error.code().message());
  } catch (const std::exception& error) {
    throw Error("cannot make the file: " + plain_message(error), path.string());
  }
}

void write_provenance(File& file, const Provenance& provenance, const std::string& hash) {
  const auto fact = [&](const char* name, const auto& value) {
    file.set_attribute(provenance_group, name, value);
  };
  fact("stage", provenance.stage);
  fact("schema_version", provenance.schema_version);
  fact("key", provenance.key);
  fact("content_hash", hash);
  fact("program_version", provenance.program_version);
  fact("git_revision", provenance.git_revision);
  fact("compiler", provenance.compiler);
  fact("libraries", provenance.libraries);
  fact("host", provenance.host);
  fact("started", provenance.started);
  fact("ended", provenance.ended);
  fact("ranks", provenance.ranks);
  fact("threads", provenance.threads);
  if (!provenance.processor.empty()) fact("processor", provenance.processor);
  if (!provenance.vector_instructions.empty()) fact("vector_instructions", provenance.vector_instructions);
  if (!provenance.blas.empty()) fact("blas", provenance.blas);
  file.write_text(provenance_group + "/configuration", provenance.configuration);
  for (const InputRecord& input : provenance.inputs) {
    const std::string group = provenance_group + "/inputs/" + input.name;
    file.set_attribute(group, "path", input.path);
    file.set_attribute(group, "content_hash", input.content_hash);
  }
}

std::string recorded_hash(const File& file) { return file.required_text(provenance_group, "content_hash"); }

// What makes the file, for the reader of an error.
std::string remedy_for(const std::string& stage) {
  if (stage.starts_with("checkpoint:")) return "start the stage with --resume=never";
  return "run bitdarts-" + stage + " with the same --out first";
}

}  // namespace

Publication::Publication(std::filesystem::path path)
    : path_(std::move(path)), temporary_{path_.string() + ".tmp"} {
  named_after(path_, [&] {
    if (path_.has_parent_path()) std::filesystem::create_directories(path_.parent_path());
    file_ = File::create(temporary_.path);
  });
}

Publication::Temporary::~Temporary() {
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
}

void Publication::write(const std::function<void(File&)>& fill) {
  named_after(path_, [&] { fill(*file_); });
}

void Publication::finish(const Provenance& provenance) {
  named_after(path_, [&] {
    write_provenance(*file_, provenance, content_hash(*file_));
    file_->close();
    sync_to_disk(temporary_.path, O_RDONLY, path_);
    std::filesystem::rename(temporary_.path, path_);
    sync_to_disk(path_.has_parent_path() ? path_.parent_path() : ".", O_RDONLY | O_DIRECTORY, path_);
  });
}

void publish(const std::filesystem::path& path, const Provenance& provenance,
             const std::function<void(File&)>& fill) {
  Publication publication(path);
  publication.write(fill);
  publication.finish(provenance);
}

Provenance read_provenance(const File& file) {
  if (!file.has(provenance_group)) {
    throw InputError("this is an HDF5 file, but not one that bitdarts published (it has no /provenance)",
                     file.path().string());
  }
  const auto text = [&](const char* name) { return file.required_text(provenance_group, name); };
  Provenance provenance;
  provenance.stage = text("stage");
  provenance.schema_version = file.required_int(provenance_group, "schema_version");
  provenance.key = text("key");
  provenance.program_version = text("program_version");
  provenance.git_revision = text("git_revision");
  provenance.compiler = text("compiler");
  provenance.libraries = text("libraries");
  provenance.host = text("host");
  provenance.started = text("started");
  provenance.ended = text("ended");
  provenance.ranks = file.required_int(provenance_group, "ranks");
  provenance.threads = file.required_int(provenance_group, "threads");
  const auto fact_since = [&](const char* name) {
    return file.text_attribute(provenance_group, name).value_or("");
  };
  provenance.processor = fact_since("processor");
  provenance.vector_instructions = fact_since("vector_instructions");
  provenance.blas = fact_since("blas");
  provenance.configuration = file.read_text(provenance_group + "/configuration");
  const std::string inputs = provenance_group + "/inputs";
  if (file.has(inputs)) {
    for (const std::string& name : file.children(inputs)) {
      const std::string group = inputs + "/" + name;
      provenance.inputs.push_back(
          {name, file.required_text(group, "path"), file.required_text(group, "content_hash")});
    }
  }
  return provenance;
}

Verdict verify(const std::filesystem::path& path) {
  Verdict verdict;
  try {
    const File file = File::open(path);
    verdict.provenance = read_provenance(file);
    verdict.content_hash = content_hash(file);
    verdict.whole = verdict.content_hash == recorded_hash(file);
    if (!verdict.whole)
      verdict.reason = "the content does not have the hash that the file records: it was changed or damaged";
  } catch (const std::exception& error) {
    verdict.reason = error.what();
  }
  return verdict;
}

File open_product(const std::filesystem::path& path, const std::string& stage, std::int64_t schema_version,
                  std::string* hash) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) {
    throw InputError("the file does not exist", path.string(), remedy_for(stage));
  }
  File file = File::open(path);
  const Provenance provenance = read_provenance(file);
  if (provenance.stage != stage) {
    throw InputError(
        "the file was made by stage '" + provenance.stage + "', and one of '" + stage + "' is needed",
        path.string(), "name another file, or " + remedy_for(stage));
  }
  if (provenance.schema_version != schema_version) {
    throw InputError("the file has schema version " + std::to_string(provenance.schema_version) +
                         ", this program reads " + std::to_string(schema_version),
                     path.string(),
                     provenance.schema_version > schema_version
                         ? "use the newer bitdarts that made it (" + provenance.program_version + ")"
                         : remedy_for(stage) + " (its version was " + provenance.program_version + ")");
  }
  const std::string found = content_hash(file);
  if (found != recorded_hash(file)) {
    throw InputError("the content does not have the hash that the file records: it was changed or damaged",
                     path.string(), "remove it and " + remedy_for(stage));
  }
  if (hash != nullptr) *hash = found;
  return file;
}

}  // namespace bitdarts::store
