#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "config/config.hpp"
#include "pipeline/steps.hpp"
#include "stage/standing.hpp"

namespace bitdarts::pipeline {

/// What a stage would find if it were started now.
struct StageStatus {
  std::string stage;  ///< "search"
  enum class State {
    up_to_date,
    not_needed,  ///< what would take it is up to date
    missing,
    damaged,
    stale,    ///< made from other options or inputs
    forced,   ///< up to date, but run.force
    waiting,  ///< for what `waits_for` makes
    blocked   ///< the stage itself would say why
  } state = State::blocked;
  std::string reason{};     ///< in words: where the product lies, and what is wrong
  std::string waits_for{};  ///< a stage
  /// Is there nothing to do?
  bool up_to_date() const { return state == State::up_to_date || state == State::not_needed; }
  std::filesystem::path product;
  std::vector<std::filesystem::path> takes{};  ///< other products, made already or not
  std::string key;          ///< of the product to be made; empty when the inputs are not there yet
  config::Config config{};  ///< that the stage would be started with
};

/// "up to date (results/x/searched.h5)", "to be made (after pretrain)".
std::string in_words(const StageStatus& status);

/// Judges one stage after the other, in the order in which they would run, and remembers for the later ones
/// what is yet to be made. Reads whole files, each once, as the stages do, but starts no MPI.
class Survey {
 public:
  /// The stage with this configuration: products in run.out, inputs in run.in or there too. An input may be a
  /// symbolic link.
  const StageStatus& look(const std::string& stage, const config::Config& config);
  const std::vector<StageStatus>& found() const { return found_; }

 private:
  void judge(StageStatus& status, const config::Config& config, const stage::Description& description);
  store::InputRecord record_of(const stage::Input& input);

  std::map<std::pair<std::string, std::filesystem::path>, std::string>
      known_;                                                // kind and path of a product -> its content
  std::map<std::filesystem::path, std::string> to_be_made_;  // product -> the stage that makes it
  std::vector<StageStatus> found_;
};

/// The status of each of pipeline_steps(). The report is no stage here: it judges its own page. A stage that
/// takes what another one here has yet to make is to be made too, whatever its product says; so is one whose
/// inputs are missing or damaged. Reads whole files, as the stages do, but starts no MPI.
std::vector<StageStatus> pipeline_status(const std::vector<Step>& steps);

}  // namespace bitdarts::pipeline
