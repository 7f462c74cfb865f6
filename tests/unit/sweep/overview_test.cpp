#include "sweep/overview.hpp"

#include <fstream>

#include "catch.hpp"
#include "support.hpp"

using namespace bitdarts;
using namespace sweep_test;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;
using State = pipeline::StageStatus::State;

TEST_CASE("the overview of some tasks says of each piece what is known of it") {
  const auto plan = sweep::make_plan(sweep_of("search.budget = w4a8 | w8a8\nrun.seed = 1 | 2\n"), {}, "x");
  const auto pieces = sweep::pieces_of(plan, {plan.tasks[1].id});
  REQUIRE(pieces.size() == 6);
  std::vector<pipeline::StageStatus> stages(pieces.size());
  for (std::size_t i = 0; i + 1 < stages.size(); ++i)
    stages[i].state = State::up_to_date;  // all but the evaluation
  const std::string text = sweep::overview(plan, pieces, stages, {});
  CHECK_THAT(text, Contains("tasks/" + plan.tasks[1].id + "  to be made  new\n") &&
                       Contains(pieces[0].place + "  up to date\n") &&
                       Contains(pieces[1].place + "  up to date\n") &&
                       Contains("1 of 4 tasks, 1 new; 6 stages, 5 up to date\n"));
  for (const std::size_t other : {0u, 2u, 3u}) CHECK_THAT(text, !Contains(plan.tasks[other].id));

  std::vector<pipeline::StageStatus> all(plan.pieces.size());
  CHECK_THAT(sweep::overview(plan, plan.pieces, all, {plan.tasks[0].id}),
             Contains("tasks/" + plan.tasks[0].id + "  to be made\n") &&
                 Contains("\n4 tasks, 3 new; 18 stages, 0 up to date\n"));
}

TEST_CASE("what finished tasks would share is not needed, and not up to date either") {
  const auto plan = sweep::make_plan(sweep_of("search.budget = w4a8 | w8a8\n"), {}, "x");
  std::vector<pipeline::StageStatus> stages(plan.pieces.size());
  std::string reference;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    stages[i].state = State::up_to_date;
    if (plan.pieces[i].stage != "reference") continue;
    stages[i].state = State::not_needed;
    reference = plan.pieces[i].place;
  }
  CHECK_THAT(sweep::overview(plan, plan.pieces, stages, {}), Contains(reference + "  not needed\n"));
}

TEST_CASE("finished tasks that a narrower sweep leaves out are counted") {
  const Scratch scratch;
  const auto wide =
      sweep::make_plan(sweep_of("search.budget = w4a8\nrun.seed = 1 | 2 | 3\n"), {}, scratch.path());
  CHECK(sweep::left_out_in_words(wide).empty());
  sweep::lay_out(wide);
  const auto narrow = sweep::make_plan(sweep_of("search.budget = w4a8\nrun.seed = 2\n"), {}, scratch.path());
  CHECK(sweep::left_out_in_words(narrow).empty());
  for (const std::size_t done : {0u, 1u})
    std::ofstream(scratch.path() / "tasks" / wide.tasks[done].id / "evaluation.h5") << "done";
  CHECK(sweep::left_out_in_words(wide).empty());
  CHECK_THAT(sweep::left_out_in_words(narrow),
             Contains("1 finished task in ") && Contains(" is not in this manifest"));
  std::ofstream(scratch.path() / "tasks" / wide.tasks[2].id / "evaluation.h5") << "done";
  CHECK_THAT(sweep::left_out_in_words(narrow),
             Contains("2 finished tasks in ") && Contains(" are not in this manifest"));
}
