#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "comm/communicator.hpp"
#include "comm/interrupt.hpp"
#include "config/config.hpp"
#include "core/console.hpp"
#include "core/file_identity.hpp"
#include "stage/descriptions.hpp"
#include "stage/directory_lock.hpp"
#include "store/product.hpp"

namespace bitdarts::stage {

/// What a stage's work can use. Lives for the whole of main.
struct Context {
  const config::Config& config;
  const comm::Communicator& world;
  const comm::InterruptWatch& interrupts;
  const Console& console;
  fs::path out;  ///< where the product goes
  fs::path in;   ///< where inputs are
};

/// The stage contract (ARCHITECTURE): key, up to date, verified inputs, checkpoints, publish. Collective in
/// every call.
class Run {
 public:
  /// Computes the key; verifies the inputs, and that they belong together (InputError on all ranks
  /// otherwise).
  Run(const Context& context, Description description);
  /// Is there anything to do? False when a valid product with this key exists (and --force was not given):
  /// says so. True takes the output directory for this run alone, to its end; Error when nothing can be
  /// written there or another run has it.
  bool begin();
  const std::string& key() const { return key_; }
  const Description& description() const { return description_; }
  /// Beside library_versions(), for the provenance ("LibTorch 1.13.1").
  void uses(const std::string& libraries) { used_ = libraries; }
  /// To be called when all inputs are in memory: InputError when one was removed, replaced or changed since
  /// it was verified, for then what was read is not what the key and the provenance say.
  void confirm_inputs() const;
  fs::path product_path() const;
  const fs::path& input_path(const std::string& name) const;
  /// The newest whole checkpoint of an unfinished run with this key, opened on this rank; nullopt when there
  /// is none or
  /// --resume=never. --resume=require without one is an InputError. A damaged one is passed over with a
  /// warning.
  std::optional<store::File> checkpoint() const;
  enum class Need { welcome, required };
  /// Write a checkpoint (rank 0 writes, all wait). It and the one before it are kept; those of later steps,
  /// which this run has passed over, go. When it cannot be written, the last good one stays, and a welcome
  /// one is a warning: the next may find room again, and work that is done is worth more than a file. Error
  /// when it was required, or when it is the third in a row.
  void save_checkpoint(std::int64_t step, const std::function<void(store::File&)>& fill,
                       Need need = Need::welcome);
  /// A product that holds what this stage would compute itself, opened on every rank: no input, for the
  /// result has the same bits without it. It counts only when it is whole and was made from this very stage's
  /// inputs and options; when another lies there, a warning says so, and it is nullopt.
  std::optional<store::File> at_hand(const Description& product) const;
  /// Publish the product (rank 0 writes, all wait) and remove the checkpoints of this key.
  void publish(const std::function<void(store::File&)>& fill);
  /// The same for what does not fit memory: `work` runs on every rank and gets a way to write (on rank 0, all
  /// wait), to be called on every rank as often as there is something new.
  using Write = std::function<void(const std::function<void(store::File&)>&)>;
  void publish_by_and_by(const std::function<void(const Write&)>& work);

 private:
  bool up_to_date() const;
  void take_directory();
  /// Removes what a run left that was killed after it had published, where that is allowed.
  void tidy_up() const;
  LockHolder holder() const;  ///< this run, as the lock of its directory names it
  store::Provenance provenance() const;
  const Context& context_;
  Description description_;
  std::string key_, started_, used_;
  std::vector<store::InputRecord> records_;
  std::vector<FileIdentity> identities_;  // of the inputs when they were verified; on rank 0
  int failed_checkpoints_ = 0;            // in a row; on rank 0
  std::unique_ptr<DirectoryLock> lock_;   // rank 0 has it
};

/// The whole main of a stage: parse, MPI, threads, catch, exit code. `work` gets the context and returns
/// nothing; it throws bitdarts::Error. One message from one rank; the configuration is that of rank 0
/// everywhere. An exception on only some of the ranks ends the others too.
int stage_main(int argc, char** argv, const std::string& name,
               const std::function<void(const Context&)>& work);

/// A stage that works with LibTorch, as describe() has it: where there is something to do, its work is what
/// the shared library bitdarts_work has under the stage's name (stages/work/). It is loaded then and not
/// before: LibTorch takes half a second to load, and most starts of a stage find its product up to date.
using Work = void(const Context&, Run&);
int torch_stage_main(int argc, char** argv, const std::string& name);

/// The main of a program that starts no MPI: `work` gets the arguments and returns the exit code; what it
/// throws is said and becomes one. 1 when stdout did not take everything: a table that did not reach its file
/// must not look well.
int plain_main(int argc, char** argv, const std::string& name,
               const std::function<int(std::vector<std::string>)>& work);

/// Versions of the libraries in use, for the provenance ("OpenMPI 4.1.4, HDF5 1.10.8"); rooms above add their
/// own.
std::string library_versions();

}  // namespace bitdarts::stage
