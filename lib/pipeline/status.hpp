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
  bool up_to_date = false;
  std::string text;  ///< "up to date (results/x/searched.h5)", or why not
  /// not_needed: what would take it is up to date; up_to_date is true then, for there is nothing to do.
  enum class State {
    up_to_date,
    not_needed,
    missing,
    damaged,
    stale,
    waiting,
    blocked
  } state = State::blocked;
  std::filesystem::path product;
  std::vector<std::filesystem::path> takes{};  ///< other products, made already or not
  std::string key;          ///< of the product to be made; empty when the inputs are not there yet
  config::Config config{};  ///< that the stage would be started with
};

/// Judges one stage after the other, in the order in which they would run, and remembers for the later ones
/// what is yet to be made. Reads whole files, each once, as the stages do, but starts no MPI.
class Survey {
 public:
  /// The stage with this configuration: products in run.out, inputs in run.in or there too. An input may be a
  /// symbolic link.
  const StageStatus& look(const std::string& stage, const config::Config& config);
  std::vector<StageStatus> found() && { return std::move(found_); }

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
