#include "sweep/plan.hpp"

#include <fstream>
#include <set>

#include "catch.hpp"
#include "support.hpp"
#include "sweep/manifest.hpp"
#include "sweep/shell.hpp"

using namespace bitdarts;
using namespace sweep_test;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

std::size_t count_of(const sweep::Plan& plan, const std::string& stage, bool shared) {
  std::set<std::string> places;
  for (const auto& piece : plan.pieces)
    if (piece.stage == stage && piece.shared() == shared) places.insert(piece.place);
  return places.size();
}

}  // namespace

TEST_CASE("each distinct recipe is made once, and what a later option is swept over is shared") {
  const auto grid = sweep::make_plan(sweep_of("search.budget = w4a8 | w8a8\nrun.seed = 1 | 2\n"), {}, "x");
  CHECK(count_of(grid, "tokenize", true) == 2);  // one for each seed
  CHECK(count_of(grid, "pretrain", true) == 2);
  CHECK(count_of(grid, "search", true) == 0);
  CHECK(count_of(grid, "search", false) == 4);
  CHECK(count_of(grid, "evaluate", false) == 4);
  CHECK(count_of(grid, "reference", true) == 2);
  CHECK(grid.pieces.size() == 2 + 2 + 2 + 3 * 4);
  CHECK(grid.pieces.front().stage == "tokenize");
  CHECK(grid.pieces.front().config.run.out == (fs::path("x") / grid.pieces.front().place).string());

  const auto later =
      sweep::make_plan(sweep_of("search.budget = w4a8 | w8a8\nfinetune.steps = 1 | 2 | 3\n"), {}, "x");
  CHECK(count_of(later, "tokenize", true) == 1);
  CHECK(count_of(later, "search", true) == 2);
  CHECK(count_of(later, "search", false) == 0);
  CHECK(count_of(later, "finetune", false) == 6);
  const auto last = sweep::make_plan(sweep_of("evaluate.stride = 8 | 16\n"), {}, "x");
  CHECK(count_of(last, "finetune", true) == 1);
  CHECK(count_of(last, "evaluate", false) == 2);
}

TEST_CASE("a search is made once for the schemes of all its budgets") {
  config::Config base;
  base.search.budget = {"w4a8", "5%"};
  const auto swept =
      sweep::make_plan(sweep_of("finetune.scheme = searched | searched:5%\nrun.seed = 1 | 2\n"), base, "x");
  CHECK(count_of(swept, "search", true) == 2);
  CHECK(count_of(swept, "search", false) == 0);
  CHECK(count_of(swept, "finetune", false) == 4);
  base.report.budgets = "all";
  base.report.baselines = {"sensitivity"};
  const auto reported = sweep::make_plan(sweep_of("run.seed = 1 | 2\n"), base, "x");
  CHECK(count_of(reported, "search", true) == 4);
  CHECK(count_of(reported, "search", false) == 0);
  CHECK(count_of(reported, "finetune", false) == 8);
}

TEST_CASE("the full-precision model is evaluated once for all tasks that are measured beside it") {
  config::Config base;
  const std::string two = "search.budget = w4a8 | w8a8\n";
  CHECK(count_of(sweep::make_plan(sweep_of(two), base, "x"), "reference", true) == 1);
  CHECK(count_of(sweep::make_plan(sweep_of(two + "candidates = all | lsq-only\n"), base, "x"), "reference",
                 true) == 1);
  // One that is alone runs it itself; another protocol is another evaluation.
  CHECK(count_of(sweep::make_plan(sweep_of("run.seed = 1 | 2\n"), base, "x"), "reference", true) == 0);
  CHECK(count_of(sweep::make_plan(sweep_of("evaluate.stride = 8 | 16\n"), base, "x"), "reference", true) ==
        0);
  CHECK(count_of(sweep::make_plan(sweep_of(two + "evaluate.stride = 8 | 16\n"), base, "x"), "reference",
                 true) == 2);
  base.report.baselines = {"uniform:lsq+:w4a8"};
  const auto plan = sweep::make_plan(sweep_of("run.seed = 1 | 2\n"), base, "x");
  CHECK(count_of(plan, "reference", true) == 2);

  // It is made from tokens and the pretrained model, and nothing but tasks has it.
  for (const auto& link : plan.links) {
    const bool from = link.path.find("shared/reference-") == 0,
               to = link.target.find("/shared/reference-") != std::string::npos;
    CHECK((!from || link.path.ends_with("tokens.h5") || link.path.ends_with("pretrained.h5")));
    CHECK((!to || (link.path.starts_with("tasks/") && link.path.ends_with("/reference.h5"))));
  }
  const auto pieces = sweep::pieces_of(plan, {plan.tasks[0].id});
  CHECK(pieces[1].stage == "pretrain");
  CHECK(pieces[2].stage == "reference");
}

TEST_CASE("one more value moves nothing and renames nothing") {
  const auto small = sweep::make_plan(sweep_of("search.budget = w4a8\nrun.seed = 1\n"), {}, "x");
  const auto grown = sweep::make_plan(sweep_of("search.budget = w8a8 | w4a8\nrun.seed = 2 | 1\n"), {}, "x");
  std::set<std::string> places;
  for (const auto& piece : grown.pieces) places.insert(piece.place + " " + piece.stage);
  for (const auto& piece : small.pieces) CHECK(places.contains(piece.place + " " + piece.stage));
}

TEST_CASE("links lead from every folder to the inputs that lie elsewhere, and are set right again") {
  const Scratch scratch;
  const auto plan =
      sweep::make_plan(sweep_of("search.budget = w4a8\nfinetune.steps = 1 | 2\n"), {}, scratch.path());
  sweep::lay_out(plan);
  for (const auto& piece : plan.pieces) {
    const fs::path folder = scratch.path() / piece.place;
    CHECK(fs::is_directory(folder));
    std::ofstream(folder / "marker.h5") << piece.place;
  }
  for (const auto& link : plan.links) {
    const fs::path target = (scratch.path() / link.path).parent_path() / link.target;
    CHECK(fs::exists(target.parent_path() / "marker.h5"));
    CHECK(fs::read_symlink(scratch.path() / link.path) == link.target);
  }
  const auto task = scratch.path() / ("tasks/" + plan.tasks[0].id);
  for (const char* product : {"tokens.h5", "pretrained.h5", "searched.h5"})
    CHECK(fs::is_symlink(task / product));
  fs::remove(task / "tokens.h5");
  fs::create_symlink("nowhere", task / "tokens.h5");
  sweep::lay_out(plan);
  CHECK(fs::read_symlink(task / "tokens.h5") != "nowhere");
  fs::remove(task / "tokens.h5");
  std::ofstream(task / "tokens.h5") << "mine";
  CHECK_THROWS_WITH(sweep::lay_out(plan), Contains("a file lies where the link"));
}

TEST_CASE("a task's pieces are its own and what it shares; an unknown task is refused") {
  const auto plan = sweep::make_plan(sweep_of("search.budget = w4a8 | w8a8\nrun.seed = 1 | 2\n"), {}, "x");
  const auto pieces = sweep::pieces_of(plan, {plan.tasks[1].id});
  REQUIRE(pieces.size() == 6);
  CHECK(pieces[0].stage == "tokenize");
  CHECK(pieces[0].config.run.seed == 2);
  CHECK(pieces[5].place == "tasks/" + plan.tasks[1].id);
  CHECK_THAT(complaint_of([&] { sweep::pieces_of(plan, {plan.tasks[1].id + "0"}); }),
             Contains("did you mean " + plan.tasks[1].id));
}

TEST_CASE("the manifest is read back as it was written") {
  const Scratch scratch;
  config::Config base;
  base.report.baselines = {"uniform:lsq+:w4a8"};
  const auto tasks =
      tasks_of("task.a = search.budget=w4a8\ntask.b = search.budget=\"\"\nrun.seed = 1 | 2\n", base);
  const auto manifest = sweep::manifest_of(tasks);
  const std::string text = to_tsv(manifest);
  CHECK(text.starts_with("id\ttask\tsearch.budget\tfinetune.scheme\trun.seed\tkind\toverrides\n"));
  CHECK_THAT(text, Contains("\tb\t\"\"\t-\t2\tsweep\t--search.budget= --run.seed=2\n"));
  const fs::path path = scratch.path() / "manifest.tsv";
  sweep::write_if_changed(path, text);
  const auto before = fs::last_write_time(path);
  sweep::write_if_changed(path, text);
  CHECK(fs::last_write_time(path) == before);
  const auto read = sweep::read_manifest(path);
  CHECK(read.keys == manifest.keys);
  REQUIRE(read.rows.size() == tasks.size());
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    CHECK(read.rows[i].id == tasks[i].id);
    CHECK(read.rows[i].name == tasks[i].name);
    CHECK(read.rows[i].baseline == tasks[i].baseline);
    CHECK(read.rows[i].values == manifest.rows[i].values);
    CHECK(read.rows[i].overrides == manifest.rows[i].overrides);
  }
  sweep::write_if_changed(path, "id\tx\n");
  CHECK_THROWS_WITH(sweep::read_manifest(path), Contains("no manifest"));
  sweep::write_if_changed(path, "id\tkind\toverrides\na\tsweep\n");
  CHECK_THROWS_WITH(sweep::read_manifest(path), Contains("2 cells instead of 3"));
}

TEST_CASE("words are quoted for a shell") {
  CHECK(sweep::shell_words({"--a=b", "two words", "it's", "", "$x", "lsq+:4"}) ==
        "--a=b 'two words' 'it'\\''s' '' '$x' lsq+:4");
}
