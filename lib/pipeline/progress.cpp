#include "pipeline/progress.hpp"

#include <algorithm>
#include <variant>

#include "chain/places.hpp"
#include "chain/stages.hpp"
#include "config/options_table.hpp"
#include "core/error.hpp"
#include "pipeline/failure.hpp"
#include "report/format.hpp"
#include "stage/checkpoints.hpp"
#include "stage/directory_lock.hpp"

namespace bitdarts::pipeline {
namespace {

namespace fs = std::filesystem;
using State = StageProgress::State;

std::int64_t steps_of(const StageStatus& status) {
  if (!chain::stage_called(status.stage).learns) return 0;
  config::Config config = status.config;
  const auto table = config::options_table(config);
  const config::Option* option = config::find_option(table, status.stage + ".steps");
  const auto* const* steps = option == nullptr ? nullptr : std::get_if<std::int64_t*>(&option->field);
  return steps == nullptr ? 0 : **steps;
}

double last_of(const store::File& file, const std::string& dataset) {
  if (!file.has(dataset)) return NAN;
  const auto size = file.info(dataset).elements();
  return size == 0 ? NAN : file.read_slice<double>(dataset, size - 1, 1).front();
}

// Of a product or a checkpoint that may be replaced while it is read: what cannot be read is not known.
double last_loss(const std::string& stage, const fs::path& path) {
  const std::string& where = chain::stage_called(stage).loss;
  if (where.empty()) return NAN;
  try {
    const auto file = store::File::open(path);
    const auto at = where.find('@');
    if (at == std::string::npos) return last_of(file, where);
    return file.double_attribute(where.substr(0, at), where.substr(at + 1)).value_or(NAN);
  } catch (const Error&) {
    return NAN;
  }
}

State state_of(const StageStatus& status) {
  switch (status.state) {
    case StageStatus::State::up_to_date:
      return State::up_to_date;
    case StageStatus::State::not_needed:
      return State::not_needed;
    case StageStatus::State::missing:
      return State::missing;
    case StageStatus::State::damaged:
      return State::damaged;
    case StageStatus::State::stale:
    case StageStatus::State::forced:
      return State::stale;
    case StageStatus::State::waiting:
      return State::waiting;
    case StageStatus::State::blocked:
      return State::blocked;
  }
  return State::blocked;
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
                         .job = status.stage,
                         .stage = status.stage,
                         .state = state_of(status),
                         .step = {},
                         .steps = steps_of(status),
                         .log = {},
                         .why = {}};
  std::error_code absent;
  if (fs::exists(folder / "log", absent)) progress.log = (folder / "log").string();
  if (progress.state == State::up_to_date) {
    progress.loss = last_loss(status.stage, status.product);
    return progress;
  }
  progress.why = progress.state == State::missing ? "" : status.reason;
  if (progress.state == State::not_needed) return progress;
  if (!status.key.empty()) {
    const auto saved = stage::CheckpointFiles(status.product, status.key).newest_first();
    if (!saved.empty()) {
      progress.state = State::interrupted;
      progress.step = saved.front().step;
      progress.loss = last_loss(status.stage, saved.front().path);
      progress.why = "the same command goes on from there";
    }
  }
  const auto holder = stage::DirectoryLock::holder_of(folder);
  const auto failure = failure_in(folder);
  if (holder && holder->stage == status.stage) {
    progress.state = State::running;
    progress.why = holder->words;
  } else if (failure && failure->stage == status.stage) {
    progress.state = State::failed;
    progress.why = "exit code " + failure->exit_code + ": " + failure->message;
  }
  return progress;
}

std::vector<StageProgress> pipeline_progress(const std::vector<Step>& steps) {
  const auto stages = pipeline_status(steps);
  std::vector<StageProgress> progress;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    progress.push_back(progress_of(stages[i]));
    progress.back().job = steps[i].name;
    if (const auto baseline = chain::baseline_with(stages[i].product))
      progress.back().where = chain::baseline_label(*baseline) + ": " + steps[i].stage;
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
