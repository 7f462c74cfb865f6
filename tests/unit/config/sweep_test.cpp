#include "config/sweep.hpp"

#include "config/candidate_sets.hpp"
#include "config_test.hpp"

using namespace bitdarts;
using namespace config_test;
using Catch::Matchers::Contains;

namespace {

config::Sweep sweep_of(const std::string& lines) {
  const TemporaryIni ini("[sweep]\n" + lines);
  return parse({"--config", ini.path()}).sweep;
}

std::string complaint_about_sweep(const std::string& lines) {
  return complaint_about_ini("[sweep]\n" + lines);
}

// "a=1 b=2 | a=2": settings of an axis' points.
std::string text_of(const config::SweepAxis& axis) {
  std::string text;
  for (const auto& point : axis.points) {
    if (!text.empty()) text += " | ";
    if (!point.name.empty()) text += point.name + ": ";
    for (const auto& setting : point.settings)
      text += (&setting == &point.settings.front() ? "" : ", ") + setting.key + "=" + setting.value;
  }
  return text;
}

}  // namespace

TEST_CASE("a line of [sweep] is an axis whose values stand between bars") {
  const auto sweep = sweep_of(
      "search.budget = w4a8|w3a3 | 2%   # a comment\nrun.seed = 1..3 | 7 | 10..20..5\n"
      "search.alpha_decay = 1e-1 | 0.5\nquantizer.quantize_head = yes | no\n"
      "data.text = \"a | b.txt\" c.txt | d.txt\n");
  REQUIRE(sweep.axes.size() == 5);
  CHECK(sweep.axes[0].key == "search.budget");
  CHECK(text_of(sweep.axes[0]) == "search.budget=w4a8 | search.budget=w3a3 | search.budget=2%");
  CHECK(text_of(sweep.axes[1]) ==
        "run.seed=1 | run.seed=2 | run.seed=3 | run.seed=7 | run.seed=10 | run.seed=15 | run.seed=20");
  CHECK(text_of(sweep.axes[2]) == "search.alpha_decay=0.1 | search.alpha_decay=0.5");
  CHECK(text_of(sweep.axes[3]) == "quantizer.quantize_head=true | quantizer.quantize_head=false");
  CHECK(text_of(sweep.axes[4]) == "data.text=\"a | b.txt\" c.txt | data.text=d.txt");
  CHECK(sweep_of("").empty());
}

TEST_CASE("task lines are an explicit list: one axis, before the others") {
  const auto sweep = sweep_of(
      "run.seed = 1 | 2\ntask.a = search.budget=w4a8 \"candidates=lsq-only no-16\"\n"
      "task.b-2 = --search.order=second search.weight_candidates=\"lsq+:4 pact:8\"\n");
  REQUIRE(sweep.axes.size() == 2);
  CHECK(sweep.axes[0].key == "task");
  CHECK(text_of(sweep.axes[0]) ==
        "a: search.budget=w4a8, candidates=lsq-only no-16 | b-2: search.order=second, "
        "search.weight_candidates=lsq+:4 pact:8");
}

TEST_CASE(
    "every stage refuses a sweep with an unknown option or a wrong value, with place and nearest name") {
  CHECK_THAT(complaint_about_sweep("\nsearch.budgte = w4a8\n"),
             Contains("unknown option search.budgte") && Contains(".ini:3") && Contains("search.budget?"));
  CHECK_THAT(complaint_about_sweep("candidate = all\n"), Contains("candidates?"));
  CHECK_THAT(complaint_about_sweep("search.budget = w4a8 | w4\n"), Contains("w4 is no budget"));
  CHECK_THAT(complaint_about_sweep("run.seed = 1 | many\n"), Contains("whole number"));
  CHECK_THAT(complaint_about_sweep("run.seed = 3..1\n"), Contains("3..1 is no range"));
  CHECK_THAT(complaint_about_sweep("run.seed = 1..\n"), Contains("is no range"));
  CHECK_THAT(complaint_about_sweep("run.seed = 1..1000000000\n"), Contains("too many"));
  CHECK_THAT(complaint_about_sweep("search.order = first | third\n"), Contains("one of: first, second"));
  CHECK_THAT(complaint_about_sweep("search.budget = w4a8 |\n"), Contains("empty value"));
  CHECK_THAT(complaint_about_sweep("candidates = all | lsq-olny\n"), Contains("lsq-olny is neither"));
  CHECK_THAT(complaint_about_sweep("candidates = no-16 lsq+:4\n"), Contains("mixes names"));
  CHECK_THAT(complaint_about_sweep("candidates = lsq+:4 lsq+:99\n"), Contains("lsq+:99"));
  CHECK_THAT(complaint_about_sweep("task.a = search.budgte=w4a8\n"), Contains("search.budget?"));
  CHECK_THAT(complaint_about_sweep("task.a = search.steps=none\n"), Contains("whole number"));
  CHECK_THAT(complaint_about_sweep("task.a = all\n"), Contains("no section.key=value"));
  CHECK_THAT(complaint_about_sweep("task.a b = run.seed=1\n"), Contains("no good name"));
  CHECK_THAT(complaint_about_sweep("task.a =\n"), Contains("sets nothing"));
}

TEST_CASE("what changes no result, and what is set twice, is refused") {
  for (const char* idle : {"run.out = a | b", "run.quiet = yes", "report.baselines = uniform:lsq+:w4a8"})
    CHECK_THAT(complaint_about_sweep(idle), Contains("cannot be swept"));
  CHECK_THAT(complaint_about_sweep("search.alpha_decay = 0.1 | 1e-1\n"), Contains("0.1 twice"));
  CHECK_THAT(complaint_about_sweep("run.seed = 1..3 | 2\n"), Contains("2 twice"));
  CHECK_THAT(complaint_about_sweep("run.seed = 1\nrun.seed = 2\n"), Contains("given twice"));
  CHECK_THAT(complaint_about_sweep("candidates = all\nsearch.weight_candidates = all\n"),
             Contains("search.weight_candidates twice"));
  CHECK_THAT(complaint_about_sweep("task.a = run.seed=1\nrun.seed = 1 | 2\n"), Contains("run.seed twice"));
  CHECK_THAT(complaint_about_sweep("task.a = run.seed=1 run.seed=2\n"), Contains("run.seed twice"));
  CHECK_THAT(
      complaint_about_sweep("task.a = run.seed=1 search.steps=70\ntask.b = search.steps=70 run.seed=1\n"),
      Contains("task.a and task.b are the same"));
}

TEST_CASE("a line of the command line stands in place of that of the file") {
  const TemporaryIni ini("[sweep]\nrun.seed = 1..9\nsearch.order = first | second\n");
  const auto sweep =
      parse({"--config", ini.path(), "--sweep.run.seed=4|5", "--sweep.search.budget=w4a8"}).sweep;
  REQUIRE(sweep.axes.size() == 3);
  CHECK(text_of(sweep.axes[0]) == "run.seed=4 | run.seed=5");
  CHECK(text_of(sweep.axes[1]) == "search.order=first | search.order=second");
  CHECK_THAT(complaint_about({"--sweep.search.budgte=w4a8"}), Contains("search.budget?"));
}

TEST_CASE("a sweep changes no product's configuration or key") {
  const TemporaryIni with("[search]\nsteps = 70\n[sweep]\nrun.seed = 1..9\n"),
      without("[search]\nsteps = 70\n");
  CHECK(config::to_ini(parse({"--config", with.path()}).config) ==
        config::to_ini(parse({"--config", without.path()}).config));
}

TEST_CASE("names of candidate sets select from the candidates that there are") {
  const std::vector<std::string> all{"lsq+:4", "lsq+:8", "lsq+:16", "pact:4", "pact:16", "uniform:8", "fp32"};
  const auto selected = [&](const std::string& text) {
    CHECK(config::candidate_set_complaint(text).empty());
    CHECK(config::is_candidate_selection(text));
    CHECK(config::selection_complaint(text, all).empty());
    std::string words;
    for (const auto& candidate : config::selected_candidates(text, all))
      words += (words.empty() ? "" : " ") + candidate;
    return words;
  };
  CHECK(selected("all") == "lsq+:4 lsq+:8 lsq+:16 pact:4 pact:16 uniform:8 fp32");
  CHECK(selected("lsq-only") == "lsq+:4 lsq+:8 lsq+:16");
  CHECK(selected("lsq+-only") == selected("lsq-only"));
  CHECK(selected("no-16") == "lsq+:4 lsq+:8 pact:4 uniform:8 fp32");
  CHECK(selected("no-fp32 no-pact") == "lsq+:4 lsq+:8 lsq+:16 uniform:8");
  CHECK(selected("4-8") == "lsq+:4 lsq+:8 pact:4 uniform:8");
  CHECK(selected("4-16") == "lsq+:4 lsq+:16 pact:4 pact:16");  // no range
  CHECK(selected("8") == "lsq+:8 uniform:8");
  CHECK(selected("lsq-only, no-16") == "lsq+:4 lsq+:8");
  CHECK(config::selection_complaint("no-5", all) == "no-5: no candidate has 5 bits");
  CHECK(config::selection_complaint("4-6", all) == "4-6: no candidate has 6 bits");
  CHECK_FALSE(config::is_candidate_selection("lsq+:4 fp32"));
  CHECK(config::candidate_set_complaint("lsq+:4 fp32").empty());
  for (const char* bad : {"4-", "-4", "no-", "-only", "lsqonly", "no-99", "fp16", ""})
    CHECK_FALSE(config::candidate_set_complaint(bad).empty());
}
