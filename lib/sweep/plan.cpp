#include "sweep/plan.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "config/nearest.hpp"
#include "core/error.hpp"
#include "stage/descriptions.hpp"
#include "stage/stage.hpp"
#include "sweep/recipe.hpp"

namespace bitdarts::sweep {
namespace {

constexpr std::array<const char*, 5> makers{"tokenize", "pretrain", "reference", "search", "finetune"};

constexpr const char* reference = "reference";  // nothing but evaluations takes it

// Which stages' products are shared, beside tokenize's and pretrain's: a rule about the options that are
// swept, not about their values, so that one more value moves nothing. (Values of finetune.scheme can: of
// several schemes those at the budgets of one search take it.) One more option can, too: lay_out brings what
// was made before to where it is shared from then on.
struct Sharing {
  bool search = false, finetune = false;
  std::map<std::string, int> references;  // by recipe, the tasks that would take it

  Sharing(const config::Sweep& sweep, const config::Config& base, const std::vector<Task>& tasks) {
    for (const Task& task : tasks) ++references[recipe_name(reference, task.config)];
    std::set<std::string> swept;
    for (const config::SweepAxis& axis : sweep.axes)
      for (const config::SweepPoint& point : axis.points)
        for (const config::SweepSetting& setting : point.settings) swept.insert(setting.key);
    const bool from_swept = swept.contains("finetune.from") || base.finetune.from == "searched";
    const bool several_budgets = std::any_of(tasks.begin(), tasks.end(), [](const Task& task) {
      return task.config.finetune.scheme.starts_with("searched:");
    });
    search = several_budgets;
    for (const std::string& key : swept) {
      const bool after_finetune = key.starts_with("evaluate.");
      // Of several schemes, one at most is the searched one, unless they are of several budgets.
      const bool after_search = key.starts_with("finetune.") && (key != "finetune.scheme" || from_swept);
      search = search || after_search || after_finetune;
      finetune = finetune || after_finetune;
    }
  }
  bool shares(const std::string& stage) const {
    if (stage == "search") return search;
    if (stage == "finetune") return finetune;
    return stage == "tokenize" || stage == "pretrain" || stage == reference;
  }
  // The stages of a task, in order. An evaluation that is alone with its full-precision model runs it itself;
  // it has the same bits either way, so that one more task may well change this.
  std::vector<std::string> stages_of(const config::Config& config) const {
    std::vector<std::string> stages{"tokenize", "pretrain"};
    if (references.at(recipe_name(reference, config)) > 1) stages.emplace_back(reference);
    if (stage::uses_search(config.finetune)) stages.emplace_back("search");
    stages.insert(stages.end(), {"finetune", "evaluate"});
    return stages;
  }
};

std::string product_file(const std::string& stage) { return stage::product_of(stage) + ".h5"; }

class Planner {
 public:
  Planner(Plan& plan, const Sharing& sharing) : plan_(plan), sharing_(sharing) {}

  void add(const Task& task) {
    const std::string own = "tasks/" + task.id;
    std::map<std::string, std::string> place;  // stage -> where its product lies
    for (const std::string& stage : sharing_.stages_of(task.config)) {
      place[stage] = sharing_.shares(stage) ? "shared/" + recipe_name(stage, task.config) : own;
      // The inputs of whatever runs there; a task's folder has links to all that is made for it.
      for (const auto& [earlier, where] : place)
        if (earlier != stage && earlier != reference && where != place[stage])
          link(place[stage], where, earlier);
      if (place[stage] != own) link(own, place[stage], stage);
      put(place[stage], stage, task);
    }
  }

  void finish() {
    const auto rank = [](const Piece& piece) {
      if (!piece.shared()) return makers.size();
      const auto* const at = std::find(makers.begin(), makers.end(), piece.stage);
      return static_cast<std::size_t>(at - makers.begin());
    };
    std::stable_sort(plan_.pieces.begin(), plan_.pieces.end(),
                     [&](const Piece& a, const Piece& b) { return rank(a) < rank(b); });
  }

 private:
  void link(const std::string& from, const std::string& to, const std::string& stage) {
    const std::string path = from + "/" + product_file(stage);
    if (linked_.insert(path).second) plan_.links.push_back({path, "../../" + to + "/" + product_file(stage)});
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
  auto stages = std::move(survey).found();
  std::set<std::string> wanted;  // by evaluations
  for (std::size_t i = 0; i < pieces.size(); ++i)
    if (pieces[i].stage == "evaluate" && !stages[i].up_to_date)
      wanted.insert("shared/" + recipe_name(reference, pieces[i].config));
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (pieces[i].stage != reference || stages[i].up_to_date || wanted.contains(pieces[i].place)) continue;
    stages[i].up_to_date = true;
    stages[i].state = pipeline::StageStatus::State::not_needed;
    stages[i].text = "not needed (the evaluations that would take it are up to date)";
  }
  return stages;
}

}  // namespace bitdarts::sweep
