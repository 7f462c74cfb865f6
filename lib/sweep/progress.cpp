#include "sweep/progress.hpp"

namespace bitdarts::sweep {

bool is_sweep(const fs::path& folder) {
  std::error_code absent;
  return fs::exists(folder / "manifest.tsv", absent);
}

std::vector<pipeline::StageProgress> sweep_progress(const Plan& plan) {
  const auto stages = survey(plan.pieces);
  std::vector<pipeline::StageProgress> places;
  for (std::size_t i = 0; i < plan.pieces.size(); ++i) {
    const std::string& place = plan.pieces[i].place;
    const bool same = !places.empty() && places.back().where == place;
    if (same && !places.back().done()) continue;
    pipeline::StageProgress progress = pipeline::progress_of(stages[i]);
    progress.where = progress.job = place;
    if (same) places.pop_back();
    places.push_back(std::move(progress));
  }
  return places;
}

std::string tasks_in_words(const std::vector<pipeline::StageProgress>& places) {
  using State = pipeline::StageProgress::State;
  std::size_t tasks = 0, made = 0, failed = 0;
  for (const auto& place : places) {
    if (!place.where.starts_with("tasks/")) continue;
    ++tasks;
    made += place.state == State::up_to_date;
    failed += place.state == State::failed;
  }
  return std::to_string(made) + " of " + std::to_string(tasks) + " tasks are made" +
         (failed > 0 ? ", " + std::to_string(failed) + " failed" : "");
}

}  // namespace bitdarts::sweep
