#include "sweep/plan.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "chain/stages.hpp"
#include "config/nearest.hpp"
#include "core/error.hpp"
#include "stage/descriptions.hpp"
#include "sweep/recipe.hpp"

namespace bitdarts::sweep {
namespace {

using chain::Stage;
using Times = Stage::Times;

// The recipes of what is spare, by which tasks would share it.
template <class Use>
void for_each_spare(Use&& use) {
  for (const Stage& stage : chain::stages())
    if (stage.times == Times::spare) use(stage);
}

// Which stages' products are shared, beside those that a pipeline makes once: a rule about the options that
// are swept, not about their values, so that one more value moves nothing. (Values of finetune.scheme can: of
// several schemes those at the budgets of one search take it.) One more option can, too: lay_out brings what
// was made before to where it is shared from then on.
struct Sharing {
  std::set<std::string> shared;
  std::map<std::string, int> spares;  // by recipe, the tasks that would take it

  Sharing(const config::Sweep& sweep, const config::Config& base, const std::vector<Task>& tasks) {
    for (const Task& task : tasks)
      for_each_spare([&](const Stage& spare) { ++spares[recipe_name(spare.name, task.config)]; });
    std::set<std::string> swept;
    for (const config::SweepAxis& axis : sweep.axes)
      for (const config::SweepPoint& point : axis.points)
        for (const config::SweepSetting& setting : point.settings) swept.insert(setting.key);
    const bool from_swept = swept.contains("finetune.from") || base.finetune.from == "searched";
    const bool several_budgets = std::any_of(tasks.begin(), tasks.end(), [](const Task& task) {
      return task.config.finetune.scheme.starts_with("searched:");
    });
    for (const Stage& stage : chain::stages()) {
      const bool once = stage.times == Times::once || stage.times == Times::spare;
      const bool for_budgets = stage.times == Times::per_search && several_budgets;
      // Of several schemes, one at most is the searched one, unless they are of several budgets.
      const bool before_what_is_swept = std::any_of(swept.begin(), swept.end(), [&](const std::string& key) {
        return is_later(key, stage) && (key != "finetune.scheme" || from_swept);
      });
      if (once || for_budgets || before_what_is_swept) shared.insert(stage.name);
    }
  }
  // Is it an option of a stage after this one?
  static bool is_later(const std::string& key, const Stage& stage) {
    const Stage* other = chain::find_stage(key.substr(0, key.find('.')));
    return other != nullptr && other > &stage;
  }
  // The stages of a task, in order. An evaluation that is alone with its full-precision model runs it itself;
  // it has the same bits either way, so that one more task may well change this.
  std::vector<const Stage*> stages_of(const config::Config& config) const {
    std::vector<const Stage*> stages;
    for (const Stage& stage : chain::stages()) {
      const bool page = stage.times == Times::page;
      const bool idle = stage.times == Times::per_search && !stage::uses_search(config.finetune);
      const bool alone = stage.times == Times::spare && spares.at(recipe_name(stage.name, config)) == 1;
      if (!page && !idle && !alone) stages.push_back(&stage);
    }
    return stages;
  }
};

class Planner {
 public:
  Planner(Plan& plan, const Sharing& sharing) : plan_(plan), sharing_(sharing) {}

  void add(const Task& task) {
    const std::string own = "tasks/" + task.id;
    std::map<const Stage*, std::string> place;  // where its product lies
    for (const Stage* stage : sharing_.stages_of(task.config)) {
      place[stage] =
          sharing_.shared.contains(stage->name) ? "shared/" + recipe_name(stage->name, task.config) : own;
      // The inputs of whatever runs there; a task's folder has links to all that is made for it.
      for (const auto& [earlier, where] : place)
        if (earlier != stage && earlier->times != Times::spare && where != place[stage])
          link(place[stage], where, *earlier);
      if (place[stage] != own) link(own, place[stage], *stage);
      put(place[stage], stage->name, task);
    }
  }

  void finish() {
    const auto rank = [](const Piece& piece) {
      return piece.shared() ? chain::position_of(piece.stage) : chain::stages().size();
    };
    std::stable_sort(plan_.pieces.begin(), plan_.pieces.end(),
                     [&](const Piece& a, const Piece& b) { return rank(a) < rank(b); });
  }

 private:
  void link(const std::string& from, const std::string& to, const Stage& stage) {
    const std::string file = chain::file_of(stage), path = from + "/" + file;
    if (linked_.insert(path).second) plan_.links.push_back({path, "../../" + to + "/" + file});
  }

  void put(const std::string& place, const std::string& stage, const Task& task) {
    if (!known_.insert(place + "/" + stage).second) return;
    Piece piece{place, stage, task.overrides, task.config};
    piece.config.run.out = (plan_.folder / place).string();
    piece.config.run.in.clear();
    plan_.pieces.push_back(std::move(piece));
  }

  Plan& plan_;
  const Sharing& sharing_;
  std::set<std::string> linked_, known_;
};

}  // namespace

Plan make_plan(const config::Sweep& sweep, const config::Config& base, const fs::path& folder) {
  Plan plan{.folder = folder, .tasks = expand(sweep, base), .pieces = {}, .links = {}};
  const Sharing sharing(sweep, base, plan.tasks);
  Planner planner(plan, sharing);
  for (const Task& task : plan.tasks) planner.add(task);
  planner.finish();
  return plan;
}

std::vector<Piece> pieces_of(const Plan& plan, const std::vector<std::string>& ids) {
  std::set<std::string> wanted;
  std::vector<std::string> known;
  for (const Task& task : plan.tasks) known.push_back(task.id);
  for (const std::string& id : ids) {
    if (std::find(known.begin(), known.end(), id) == known.end())
      throw ConfigError("the sweep has no task " + id, "--task",
                        config::suggestion(id, known, "bitdarts-sweep --list tasks --all names them"));
    wanted.insert("tasks/" + id);
  }
  for (const Link& link : plan.links) {
    const std::string from = link.path.substr(0, link.path.rfind('/'));
    const std::string to = link.target.substr(6, link.target.rfind('/') - 6);  // without "../../"
    if (wanted.contains(from)) wanted.insert(to);
  }
  std::vector<Piece> pieces;
  for (const Piece& piece : plan.pieces)
    if (wanted.contains(piece.place)) pieces.push_back(piece);
  return pieces;
}

std::vector<pipeline::StageStatus> survey(const std::vector<Piece>& pieces) {
  pipeline::Survey survey;
  for (const Piece& piece : pieces) survey.look(piece.stage, piece.config);
  auto stages = survey.found();
  std::set<std::string> wanted;
  for_each_spare([&](const Stage& spare) {
    for (std::size_t i = 0; i < pieces.size(); ++i)
      if (pieces[i].stage == spare.spares && !stages[i].up_to_date())
        wanted.insert("shared/" + recipe_name(spare.name, pieces[i].config));
  });
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const Stage& stage = chain::stage_called(pieces[i].stage);
    if (stage.times != Times::spare || stages[i].up_to_date() || wanted.contains(pieces[i].place)) continue;
    stages[i].state = pipeline::StageStatus::State::not_needed;
    stages[i].reason = "what would take it is up to date: " + stage.spares;
  }
  return stages;
}

}  // namespace bitdarts::sweep
