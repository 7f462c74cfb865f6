#include "pipeline/progress.hpp"

#include <algorithm>
#include <fstream>
#include <map>

#include "core/error.hpp"
#include "report/format.hpp"
#include "stage/checkpoints.hpp"
#include "stage/directory_lock.hpp"

namespace bitdarts::pipeline {
namespace {

namespace fs = std::filesystem;
using State = StageProgress::State;

std::int64_t steps_of(const StageStatus& status) {
  if (status.stage == "pretrain") return status.config.pretrain.steps;
  if (status.stage == "search") return status.config.search.steps;
  if (status.stage == "finetune") return status.config.finetune.steps;
  return 0;
}

double last_of(const store::File& file, const std::string& dataset) {
  if (!file.has(dataset)) return NAN;
  const auto size = file.info(dataset).elements();
  return size == 0 ? NAN : file.read_slice<double>(dataset, size - 1, 1).front();
}

// Of a product or a checkpoint that may be replaced while it is read: what cannot be read is not known.
double last_loss(const fs::path& path) {
  try {
    const auto file = store::File::open(path);
    for (const char* group : {"/evaluation", "/reference"})
      if (file.has(group)) return file.double_attribute(group, "nll").value_or(NAN);
    for (const char* series : {"/metrics/search/outer_loss", "/metrics/train/loss"})
      if (const double loss = last_of(file, series); std::isfinite(loss)) return loss;
  } catch (const Error&) {
    return NAN;
  }
  return NAN;
}

// "stage<tab>search" ...: what pipelines/sweep and the cluster's scripts note of a failure.
std::map<std::string, std::string> failure_in(const fs::path& folder) {
  std::map<std::string, std::string> facts;
  std::ifstream file(folder / "failed");
  for (std::string line; std::getline(file, line);)
    if (const auto tab = line.find('\t'); tab != std::string::npos)
      facts[line.substr(0, tab)] = line.substr(tab + 1);
  return facts;
}

State state_of(const StageStatus& status) {
  switch (status.state) {
    case StageStatus::State::up_to_date:
      return status.up_to_date ? State::up_to_date : State::stale;
    case StageStatus::State::not_needed:
      return State::not_needed;
    case StageStatus::State::missing:
      return State::missing;
    case StageStatus::State::damaged:
      return State::damaged;
    case StageStatus::State::stale:
      return State::stale;
    case StageStatus::State::waiting:
      return State::waiting;
    case StageStatus::State::blocked:
      return State::blocked;
  }
  return State::blocked;
}

// The part in brackets: "stale (x was made from other options)" -> "x was made from other options".
std::string reason_in(const std::string& text) {
  const auto open = text.find(" (");
  if (open == std::string::npos || !text.ends_with(')')) return text;
  return text.substr(open + 2, text.size() - open - 3);
}

std::string step_text(const StageProgress& stage) {
  if (!stage.step) return "-";
  std::string text = std::to_string(*stage.step);
  if (stage.steps > 0) {
    const double share = static_cast<double>(*stage.step) / static_cast<double>(stage.steps);
    text += "/" + std::to_string(stage.steps) + " (" + report::fixed(100 * share, 0) + "%)";
  }
  return text;
}

}  // namespace

const char* name_of(State state) {
  constexpr const char* names[] = {"up_to_date", "not_needed", "running", "interrupted", "failed",
                                   "waiting",    "missing",    "stale",   "damaged",     "blocked"};
  return names[static_cast<std::size_t>(state)];
}

StageProgress progress_of(const StageStatus& status) {
  const fs::path folder = status.product.parent_path();
  StageProgress progress{.where = status.stage,
                         .stage = status.stage,
                         .state = state_of(status),
                         .step = {},
                         .steps = steps_of(status),
                         .log = {},
                         .why = {}};
  std::error_code absent;
  if (fs::exists(folder / "log", absent)) progress.log = (folder / "log").string();
  if (progress.state == State::up_to_date) {
    progress.loss = last_loss(status.product);
    return progress;
  }
  progress.why = progress.state == State::missing ? "" : reason_in(status.text);
  if (progress.state == State::not_needed) return progress;
  if (!status.key.empty()) {
    const auto saved = stage::CheckpointFiles(status.product, status.key).newest_first();
    if (!saved.empty()) {
      progress.state = State::interrupted;
      progress.step = saved.front().step;
      progress.loss = last_loss(saved.front().path);
      progress.why = "the same command goes on from there";
    }
  }
  const std::string holder = stage::DirectoryLock::holder_of(folder);
  const auto failure = failure_in(folder);
  if (holder.starts_with("bitdarts-" + status.stage + ",")) {
    progress.state = State::running;
    progress.why = holder;
  } else if (failure.contains("stage") && failure.at("stage") == status.stage) {
    progress.state = State::failed;
    const auto fact = [&](const char* name) {
      return failure.contains(name) ? failure.at(name) : std::string{};
    };
    progress.why = "exit code " + fact("exit_code") + ": " + fact("message");
  }
  return progress;
}

std::string progress_table(const std::vector<StageProgress>& stages) {
  report::TextTable table{{"", "stage", "state", "step", "loss", "log, and why"}, {}};
  for (const StageProgress& stage : stages) {
    std::string state = name_of(stage.state), last = stage.log;
    std::replace(state.begin(), state.end(), '_', ' ');
    if (!stage.why.empty()) last += (last.empty() ? "" : ": ") + stage.why;
    table.rows.push_back(
        {stage.where, stage.stage, state, step_text(stage), report::fixed(stage.loss, 4), last});
  }
  return report::left_aligned(table);
}

std::string progress_tsv(const std::vector<StageProgress>& stages) {
  const auto cell = [](std::string text) {
    std::replace(text.begin(), text.end(), '\t', ' ');
    return text.empty() ? std::string("-") : text;
  };
  std::string text = "where\tstage\tstate\tstep\tsteps\tloss\tlog\twhy\n";
  for (const StageProgress& stage : stages)
    text += stage.where + "\t" + stage.stage + "\t" + name_of(stage.state) + "\t" +
            (stage.step ? std::to_string(*stage.step) : "-") + "\t" +
            (stage.steps > 0 ? std::to_string(stage.steps) : "-") + "\t" + report::fixed(stage.loss, 6) +
            "\t" + cell(stage.log) + "\t" + cell(stage.why) + "\n";
  return text;
}

}  // namespace bitdarts::pipeline
