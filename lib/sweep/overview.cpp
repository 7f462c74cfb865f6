#include "sweep/overview.hpp"

#include <sstream>

namespace bitdarts::sweep {

std::string overview(const Plan& plan, const std::vector<Piece>& pieces,
                     const std::vector<pipeline::StageStatus>& stages, const std::set<std::string>& known) {
  std::ostringstream text;
  std::size_t made = 0, shown = 0, fresh = 0, baselines = 0;
  std::set<std::string> looked_at, open, not_needed;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    made += stages[i].up_to_date();
    looked_at.insert(pieces[i].place);
    if (!stages[i].up_to_date()) open.insert(pieces[i].place);
    if (stages[i].state == pipeline::StageStatus::State::not_needed) not_needed.insert(pieces[i].place);
  }
  const auto line = [&](const std::string& place) {
    text << place << "  "
         << (open.contains(place)         ? "to be made"
             : not_needed.contains(place) ? "not needed"
                                          : "up to date");
  };
  for (const Task& task : plan.tasks) {
    const std::string place = "tasks/" + task.id;
    if (!looked_at.contains(place)) continue;
    const bool is_new = !known.contains(task.id);
    ++shown;
    fresh += is_new;
    baselines += task.baseline;
    line(place);
    text << (is_new ? "  new" : "") << (task.name.empty() ? "" : "  " + task.name) << "\n";
  }
  for (const Piece& piece : pieces) {
    if (!piece.shared()) continue;
    line(piece.place);
    text << "\n";
  }
  text << shown;
  if (shown < plan.tasks.size()) text << " of " << plan.tasks.size();
  text << " tasks";
  if (baselines > 0) text << " (" << baselines << " of them for report.baselines)";
  text << ", " << fresh << " new; " << pieces.size() << " stages, " << made << " up to date\n";
  return text.str();
}

std::string left_out_in_words(const Plan& plan) {
  std::set<std::string> ids;
  for (const Task& task : plan.tasks) ids.insert(task.id);
  std::size_t count = 0;
  std::error_code absent;
  for (const auto& task : fs::directory_iterator(plan.folder / "tasks", absent))
    count +=
        !ids.contains(task.path().filename().string()) && fs::exists(task.path() / "evaluation.h5", absent);
  if (count == 0) return {};
  return std::to_string(count) + (count == 1 ? " finished task" : " finished tasks") + " in " +
         (plan.folder / "tasks").string() + (count == 1 ? " is" : " are") +
         " not in this manifest: kept, and left out of the report";
}

}  // namespace bitdarts::sweep
