#include <unistd.h>

#include <array>
#include <chrono>
#include <ctime>

#include "comm/together.hpp"
#include "core/build_info.hpp"
#include "core/error.hpp"
#include "stage/checkpoints.hpp"
#include "stage/machine.hpp"
#include "stage/stage.hpp"
#include "stage/standing.hpp"

namespace bitdarts::stage {
namespace {

std::string now_utc() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm fields{};
  gmtime_r(&now, &fields);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &fields)};
}

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

}  // namespace

Run::Run(const Context& context, Description description)
    : context_(context), description_(std::move(description)), started_(now_utc()) {
  for (const Input& input : description_.inputs) {
    // Reading a whole file to check it is work for one rank; the others take its word.
    std::string hash;
    comm::together(context_.world, [&] {
      if (!context_.world.root()) return;
      std::error_code absent;  // what is wrong with the file is said by the verification
      identities_.push_back(fs::exists(input.path, absent) ? identity_of(input.path) : FileIdentity{});
      hash = verified(input).content_hash;
    });
    records_.push_back({input.name, input.path.string(), context_.world.broadcast_text(hash)});
  }
  comm::together(context_.world, [&] {
    if (context_.world.root()) require_same_lineage(description_, records_);
  });
  key_ = key_of(context_.config, description_, records_);
}

void Run::confirm_inputs() const {
  comm::together(context_.world, [&] {
    for (std::size_t i = 0; i < identities_.size(); ++i)
      require_unchanged(description_.inputs[i].path, identities_[i]);
  });
}

fs::path Run::product_path() const { return context_.out / description_.product; }

const fs::path& Run::input_path(const std::string& name) const {
  for (const Input& input : description_.inputs)
    if (input.name == name) return input.path;
  throw Error(description_.name + " has no input called " + name);
}

bool Run::begin() {
  std::int64_t valid = 0;
  comm::together(context_.world, [&] {
    if (!context_.world.root()) return;
    valid = up_to_date();
    if (!valid) take_directory();
  });
  return context_.world.max(valid) == 0;
}

bool Run::up_to_date() const {
  if (context_.config.run.force) return false;
  const Standing standing = standing_of(product_path(), description_.name, key_);
  if (standing.kind == Standing::Kind::damaged)
    context_.console.warn(product_path().string() + " is damaged and will be made again: " + standing.reason);
  if (standing.kind != Standing::Kind::up_to_date) return false;
  context_.console.note("up to date (" + product_path().string() + ")");
  tidy_up();
  return true;
}

LockHolder Run::holder() const {
  return {.stage = description_.name,
          .words = "bitdarts-" + description_.name + ", process " + std::to_string(getpid()) + " on " +
                   host_name() + ", since " + started_};
}

void Run::tidy_up() const {
  if (!DirectoryLock::file_in(context_.out)) return;
  try {
    const DirectoryLock lock(context_.out, holder());
    CheckpointFiles(product_path(), key_).remove_all();
  } catch (const std::exception&) {
    // The product is whole, and its reader need not be allowed to write beside it.
  }
}

void Run::take_directory() {
  lock_ = std::make_unique<DirectoryLock>(context_.out, holder());
  if (!lock_->warning().empty()) context_.console.warn(lock_->warning());
}

std::optional<store::File> Run::checkpoint() const {
  const std::string& mode = context_.config.run.resume;
  if (mode == "never") return std::nullopt;
  std::string found;
  comm::together(context_.world, [&] {
    if (!context_.world.root()) return;
    for (const auto& entry : CheckpointFiles(product_path(), key_).newest_first()) {
      const store::Verdict verdict = store::verify(entry.path);
      if (verdict.whole && verdict.provenance.key == key_) {
        found = entry.path.string();
        context_.console.note("resuming after step " + std::to_string(entry.step) + " (" + found + ")");
        if (const auto other = difference_from(verdict.provenance); !other.empty())
          context_.console.warn(
              "this run began on another kind of machine, so that the last bits may differ from those of an "
              "uninterrupted one: " +
              other);
        return;
      }
      context_.console.warn("checkpoint " + entry.path.string() + " is passed over: " +
                            (verdict.whole ? "it belongs to another run" : verdict.reason));
    }
    if (mode == "require")
      throw InputError("no checkpoint of an unfinished run with this configuration and these inputs",
                       CheckpointFiles(product_path(), key_).path_of(0).parent_path().string(),
                       "run with --resume=auto to start from the beginning");
  });
  found = context_.world.broadcast_text(found);
  if (found.empty()) return std::nullopt;
  std::optional<store::File> file;
  comm::together(context_.world, [&] { file = store::File::open(found); });
  return file;
}

std::optional<store::File> Run::at_hand(const Description& product) const {
  const fs::path path = context_.in / product.product;
  const auto left_aside = [&](const std::string& why) {
    context_.console.warn(path.string() + " is not used: it " + why +
                          "\n         what it would spare is computed here; bitdarts-" + product.name +
                          " makes it again");
  };
  std::string hash;
  comm::together(context_.world, [&] {
    std::error_code absent;
    if (!context_.world.root() || !fs::exists(path, absent)) return;
    std::vector<store::InputRecord> inputs;
    for (const Input& input : product.inputs)
      for (const store::InputRecord& record : records_)
        if (record.name == input.name) inputs.push_back(record);
    const Standing standing = standing_of(path, product.name, key_of(context_.config, product, inputs));
    hash = standing.content_hash;
    if (standing.kind == Standing::Kind::damaged) left_aside("is damaged: " + standing.reason);
    if (standing.kind == Standing::Kind::stale)
      left_aside("was made from other inputs or with other options");
  });
  hash = context_.world.broadcast_text(hash);
  if (hash.empty()) return std::nullopt;
  std::optional<store::File> file;
  try {
    file = store::File::open(path);
    if (file->text_attribute("/provenance", "content_hash") != hash) file.reset();
  } catch (const Error&) {
    file.reset();
  }
  if (context_.world.max(file ? 0 : 1) == 0) return file;
  left_aside("was removed or replaced just now");
  return std::nullopt;
}

void Run::save_checkpoint(std::int64_t step, const std::function<void(store::File&)>& fill, Need need) {
  constexpr int patience = 3;
  comm::together(context_.world, [&] {
    if (!context_.world.root()) return;
    const CheckpointFiles files(product_path(), key_);
    store::Provenance facts = provenance();
    facts.stage = "checkpoint:" + description_.name;
    try {
      store::publish(files.path_of(step), facts, fill);
      files.keep_up_to(step);
      failed_checkpoints_ = 0;
    } catch (const std::exception& error) {
      const auto kept = files.newest_first();
      const std::string left = kept.empty()
                                   ? "there is no earlier one"
                                   : "the one of step " + std::to_string(kept.front().step) + " is kept";
      const std::string what =
          "the checkpoint of step " + std::to_string(step) + " cannot be written, " + left;
      if (need == Need::required || ++failed_checkpoints_ == patience)
        throw Error(what + ": " + error.what() +
                    "\n         then run the same command again: it goes on from the last checkpoint");
      context_.console.warn(what + ", and the work goes on without: " + error.what());
    }
  });
}

void Run::publish(const std::function<void(store::File&)>& fill) {
  publish_by_and_by([&](const Write& write) { write(fill); });
}

void Run::publish_by_and_by(const std::function<void(const Write&)>& work) {
  std::optional<store::Publication> publication;
  comm::together(context_.world, [&] {
    if (context_.world.root()) publication.emplace(product_path());
  });
  work([&](const std::function<void(store::File&)>& fill) {
    comm::together(context_.world, [&] {
      if (publication) publication->write(fill);
    });
  });
  comm::together(context_.world, [&] {
    if (!publication) return;
    publication->finish(provenance());
    CheckpointFiles(product_path(), key_).remove_all();
    context_.console.note("wrote " + product_path().string());
  });
}

store::Provenance Run::provenance() const {
  const BuildInfo build = build_info();
  std::string libraries = library_versions();
  if (!used_.empty()) libraries += ", " + used_;
  return {.stage = description_.name,
          .schema_version = description_.schema_version,
          .key = key_,
          .configuration = config::to_ini(context_.config),
          .program_version = build.version,
          .git_revision = build.git_revision,
          .compiler = build.compiler,
          .libraries = libraries,
          .host = host_name(),
          .started = started_,
          .ended = now_utc(),
          .ranks = context_.world.size(),
          .threads = context_.config.run.threads,
          .inputs = records_,
          .processor = processor_name(),
          .vector_instructions = vector_instructions(),
          .blas = printed(blas_in_use())};
}

}  // namespace bitdarts::stage
