#include "report/run_report.hpp"

#include <map>

#include "catch.hpp"
#include "core/error.hpp"
#include "report/charts.hpp"
#include "report/comparison.hpp"
#include "report/csv_files.hpp"
#include "report/page.hpp"
#include "report/verdict.hpp"
#include "support.hpp"
#include "synthetic.hpp"

using namespace bitdarts;
using namespace bitdarts::products;
using namespace bitdarts::report;
namespace fs = std::filesystem;

namespace {

const synthetic::Result good{"searched", 20.7, 0.0233}, hand{"uniform:lsq+:w4a6", 20.9, 24.0 / 1024};

std::string page_of(const fs::path& run) {
  const Products products = load_products(run, run);
  return report_page(products, compare(products), "a <run>");
}

std::size_t lines_of(const std::string& text) { return occurrences(text, "\n"); }

}  // namespace

TEST_CASE("a whole run makes a page with everything, that needs nothing from elsewhere") {
  const ScratchDirectory scratch;
  synthetic::write_run(scratch.path(), good, {hand, {"uniform:pact:w4a4", 21.9, 0.015625}});
  const Products products = load_products(scratch.path(), scratch.path());
  CHECK(products.problems.empty());
  const std::string page = report_page(products, compare(products), "a <run>");
  for (const char* id :
       {"comparison", "scheme", "search", "discretisation", "losses", "protocol", "provenance"})
    CHECK(contains(page, "<section id=\"" + std::string(id) + "\">"));
  CHECK(contains(page, "a &lt;run&gt;"));
  CHECK(contains(page, "The searched scheme wins"));
  CHECK(contains(page, "uniform:lsq+:w4a6 ◂ best rival"));
  CHECK(contains(page, "node &lt;1&gt; &amp; co"));
  CHECK(contains(page, "windows of 32 tokens that do not overlap"));
  for (const auto& entry : synthetic::scheme({}).entries) {
    CHECK(contains(page, "<title>" + entry.layer + " weight: "));
    CHECK(contains(page, "<title>" + entry.layer + " input</title>"));
  }
  CHECK(occurrences(page, "<svg") == 1 + 2 + 8 + 4);  // comparison, two of layers, search, losses
  CHECK(unbalanced_tag(page).empty());
  CHECK(!contains(page, "<script"));
  CHECK(!contains(page, "<link"));
  CHECK(!contains(page, "<img"));
  CHECK(!contains(page, "src="));
  CHECK(!contains(page, "@import"));
  CHECK(occurrences(page, "url(") == occurrences(page, "url(#"));
  CHECK(occurrences(page, "href=") == occurrences(page, "href=\"#") + occurrences(page, "href='#"));
  // Ids are unique: a link or a pattern finds its own picture.
  for (auto at = page.find("id=\""); at != std::string::npos; at = page.find("id=\"", at + 1)) {
    const std::string id = page.substr(at, page.find('"', at + 4) + 1 - at);
    if (!id.starts_with("id=\"gnuplot")) CHECK(occurrences(page, " " + id) == 1);
  }
}

TEST_CASE("a searched scheme that loses is said to lose on the page") {
  const ScratchDirectory scratch;
  synthetic::write_run(scratch.path(), {"searched", 21.5, 0.0233}, {hand});
  const std::string page = page_of(scratch.path());
  CHECK(contains(page, "verdict loses"));
  CHECK(contains(page, "The searched scheme LOSES"));
}

TEST_CASE("when another scheme was finetuned than the searched one, both are shown") {
  const ScratchDirectory scratch;
  const fs::path run = scratch.path();
  synthetic::write_run(run, good, {});
  CHECK(!contains(page_of(run), "finetuned instead"));
  synthetic::write_finetuned(run / "finetuned.h5", run, hand.scheme);
  synthetic::write_evaluation(run, run, hand);
  const std::string page = page_of(run);
  CHECK(contains(page, "What was finetuned instead: uniform:lsq+:w4a6"));
  CHECK(contains(page, "No searched scheme was evaluated"));
  CHECK(unbalanced_tag(page).empty());
}

TEST_CASE("the CSV files hold every number behind the pictures") {
  const ScratchDirectory scratch;
  synthetic::write_run(scratch.path(), good, {hand});
  const Products products = load_products(scratch.path(), scratch.path());
  const auto files = csv_files(products, compare(products));
  CHECK(files.size() == 8);
  CHECK(lines_of(files.at("comparison.csv")) == 1 + 3);
  CHECK(contains(files.at("comparison.csv"), "uniform:lsq+:w4a6,best rival,,,,20.9,"));
  CHECK(lines_of(files.at("verdicts.csv")) == 1 + 1);
  CHECK(contains(files.at("verdicts.csv"), "searched,w4a6,0.0234375,0.0233,20.7,wins,1,uniform:lsq+:w4a6,"));
  CHECK(lines_of(files.at("scheme.csv")) == 1 + 14);
  CHECK(lines_of(files.at("search.csv")) == 1 + 40);
  CHECK(files.at("search.csv").starts_with("step,"));
  CHECK(lines_of(files.at("probabilities.csv")) == 1 + 5 * 14 * 2 * 10);
  CHECK(lines_of(files.at("losses.csv")) == 1 + (120 + 12) + (40 + 40) + 2 * (30 + 3 + 1));
  CHECK(lines_of(files.at("discretisation.csv")) == 1 + 5);
  CHECK(lines_of(files.at("provenance.csv")) == 1 + 5 + 2);
}

TEST_CASE("whatever is missing is left out, and said") {
  const ScratchDirectory scratch;
  const fs::path run = scratch.path();
  synthetic::write_run(run, good, {hand});
  const auto without = [&](const std::vector<std::string>& names) {
    for (const std::string& name : names) fs::rename(run / name, run / (name + ".away"));
    const std::string page = page_of(run);
    for (const std::string& name : names) fs::rename(run / (name + ".away"), run / name);
    CHECK(unbalanced_tag(page).empty());
    for (const std::string& name : names)
      if (name.ends_with(".h5")) CHECK(contains(page, name));
    return page;
  };
  CHECK(contains(without({"tokens.h5"}), "section id=\"comparison\""));
  CHECK(contains(without({"pretrained.h5"}), "section id=\"search\""));
  const std::string unsearched = without({"searched.h5"});
  CHECK(!contains(unsearched, "section id=\"search\""));
  CHECK(contains(unsearched, "section id=\"scheme\""));  // that of finetuned.h5
  CHECK(contains(without({"evaluation.h5"}), "No searched scheme was evaluated"));
  CHECK(contains(without({"baselines"}), "No rival within its budget"));
  const std::string only_search =
      without({"evaluation.h5", "baselines", "finetuned.h5", "tokens.h5", "pretrained.h5"});
  CHECK(contains(only_search, "section id=\"scheme\""));
  CHECK(!contains(only_search, "section id=\"comparison\""));
}

TEST_CASE("a damaged file is left out with its reason, and a chain that mixes runs is told") {
  const ScratchDirectory scratch;
  const fs::path run = scratch.path();
  synthetic::write_run(run, good, {hand});
  SECTION("damaged") {
    damage(run / "pretrained.h5");
    const Products products = load_products(run, run);
    CHECK(!products.pretrained);
    REQUIRE(products.problems.size() == 1);
    CHECK(contains(products.problems[0], "pretrained.h5 is left out"));
    CHECK(contains(page_of(run), "pretrained.h5 is left out"));
  }
  SECTION("made from something else") {
    synthetic::write_searched(run / "searched.h5", run, {.blocks = 1});
    const Products products = load_products(run, run);
    REQUIRE(products.problems.size() == 1);
    CHECK(contains(products.problems[0], "finetuned.h5 was made from another searched.h5"));
  }
  SECTION("of another stage") {
    fs::copy_file(run / "tokens.h5", run / "evaluation.h5", fs::copy_options::overwrite_existing);
    CHECK(!load_products(run, run).evaluation);
  }
}

TEST_CASE("a baseline that was trained or evaluated otherwise does not count") {
  const ScratchDirectory scratch;
  const fs::path run = scratch.path(), other = run / "baselines/scheme_0";
  synthetic::write_run(run, good, {{"uniform:lsq+:w4a6", 19.0, 24.0 / 1024}});
  CHECK(compare(load_products(run, run)).contests.at(0).verdict == Contest::Verdict::loses);
  SECTION("more finetuning") {
    synthetic::write_finetuned(other / "finetuned.h5", run, "uniform:lsq+:w4a6", {}, 60);
    synthetic::write_evaluation(other, run, {"uniform:lsq+:w4a6", 19.0, 24.0 / 1024});
    const auto comparison = compare(load_products(run, run));
    CHECK(comparison.contests.at(0).verdict == Contest::Verdict::no_rival);
    // steps x batch x context
    CHECK(contains(verdict_in_words(comparison),
                   "61,440 tokens after pretraining, those of the searched scheme on 30,720"));
  }
  SECTION("another learning rate") {
    synthetic::write_finetuned(other / "finetuned.h5", run, "uniform:lsq+:w4a6", {}, 30, 2e-4);
    synthetic::write_evaluation(other, run, {"uniform:lsq+:w4a6", 19.0, 24.0 / 1024});
    const auto comparison = compare(load_products(run, run));
    CHECK(comparison.contests.at(0).verdict == Contest::Verdict::no_rival);
    CHECK(contains(verdict_in_words(comparison), "finetuned with finetune.learning_rate = "));
  }
  for (const auto& [option, change] :
       {std::pair<std::string, void (*)(config::Config&)>{
            "quantizer.tie", [](config::Config& c) { c.quantizer.tie = "shared-input"; }},
        {"quantizer.calibration_sequences",
         [](config::Config& c) { c.quantizer.calibration_sequences *= 2; }}}) {
    SECTION("another " + option) {
      synthetic::write_finetuned(other / "finetuned.h5", run, "uniform:lsq+:w4a6", {}, 30, 1e-4, change);
      synthetic::write_evaluation(other, run, {"uniform:lsq+:w4a6", 19.0, 24.0 / 1024});
      const auto comparison = compare(load_products(run, run));
      CHECK(comparison.contests.at(0).verdict == Contest::Verdict::no_rival);
      CHECK(contains(verdict_in_words(comparison), "finetuned with " + option + " = "));
    }
  }
  SECTION("another pretrained model") {
    const ScratchDirectory elsewhere;
    synthetic::write_tokens(elsewhere.path() / "tokens.h5");
    synthetic::write_pretrained(elsewhere.path() / "pretrained.h5", elsewhere.path() / "tokens.h5",
                                {.blocks = 2, .steps = 50});
    synthetic::write_evaluation(other, elsewhere.path(), {"uniform:lsq+:w4a6", 19.0, 24.0 / 1024});
    const auto comparison = compare(load_products(run, run));
    CHECK(comparison.contests.at(0).verdict == Contest::Verdict::no_rival);
    CHECK(contains(verdict_in_words(comparison), "another pretrained.h5"));
  }
}

TEST_CASE(
    "a scheme by hand that starts from the weights of the search was trained as long as the searched one") {
  const ScratchDirectory scratch;
  const fs::path run = scratch.path(), other = run / "baselines/scheme_0";
  const synthetic::Result rival{"uniform:lsq+:w4a6", 21.0, 24.0 / 1024};
  synthetic::write_run(run, good, {rival});
  const auto from_search = [](config::Config& c) { c.finetune.from = "searched"; };
  synthetic::write_finetuned(run / "finetuned.h5", run, "searched", {}, 30, 1e-4, from_search);
  synthetic::write_evaluation(run, run, good);
  synthetic::write_finetuned(other / "finetuned.h5", run, rival.scheme, {}, 30, 1e-4, from_search);
  synthetic::write_evaluation(other, run, rival);
  const auto c = compare(load_products(run, run));
  CHECK(c.contests.at(0).verdict == Contest::Verdict::wins);
  // The 40 steps of the search that was, not the search.steps of the configuration; batch and context 32.
  const config::Config defaults;
  for (const std::size_t i : {1, 2})
    CHECK(c.models[i].training_tokens == (30.0 * static_cast<double>(defaults.finetune.batch) +
                                          40.0 * static_cast<double>(defaults.search.batch)) *
                                             32);
}

TEST_CASE("the chart of the cost has the level of every budget") {
  const ScratchDirectory scratch;
  synthetic::write_run(scratch.path(), good, {});
  const Products products = load_products(scratch.path(), scratch.path());
  std::map<std::string, double> levels;
  for (const Chart& chart : search_charts(*products.searched))
    for (const Series& series : chart.series)
      if (series.name.starts_with("budget ")) levels[series.name] = series.y.at(0);
  REQUIRE(levels.size() == 2);
  CHECK(levels["budget w4a6"] == Approx(100 * 24.0 / 1024));
  CHECK(levels["budget w4a4"] == Approx(100 * 16.0 / 1024));
}

TEST_CASE("beside the verdict is said which rivals were found without the recovery of the search") {
  const ScratchDirectory scratch;
  const fs::path run = scratch.path();
  synthetic::write_run(run, good,
                       {{"sensitivity", 20.9, 0.0233, "sensitivity", "w4a6"},
                        {"random:1", 22.1, 0.0232, "random:1", "w4a6"},
                        hand});
  const auto search = [&](const std::string& strategy, const std::string& recovery) {
    synthetic::write_searched(
        run / ("baselines/scheme_" + std::string(strategy == "random:1" ? "1" : "0")) / "searched.h5", run,
        {}, strategy, recovery);
  };
  search("random:1", "auto");
  const std::string sentence =
      "The searched scheme was found with search.weight_recovery = 0.75, sensitivity with 0: give the rivals "
      "the same with --search.weight_recovery=0.75.";
  SECTION("by default") {
    search("sensitivity", "auto");
    const Products products = load_products(run, run);
    const Comparison c = compare(products);
    CHECK(occurrences(verdict_in_words(c), sentence) == 1);
    CHECK(occurrences(report_page(products, c, "run"), sentence) == 1);
  }
  SECTION("not where they had the same") {
    search("sensitivity", "0.75");
    CHECK(!contains(verdict_in_words(compare(load_products(run, run))), "weight_recovery"));
  }
  SECTION("nor where no found rival is in the table") {
    CHECK(!contains(verdict_in_words(compare(load_products(run, run))), "weight_recovery"));
  }
}

TEST_CASE("every budget of a run has its verdict on the page, and what was chosen is no rival") {
  const ScratchDirectory scratch;
  const fs::path run = scratch.path();
  synthetic::write_run(run, {"best", 20.3, 0.0233, "sensitivity", "w4a6", "sensitivity"},
                       {{"searched", 20.7, 0.0233, "darts", "w4a6"},
                        {"searched:w4a4", 21.4, 0.0155, "darts", "w4a4"},
                        {"sensitivity", 20.3, 0.0233, "sensitivity", "w4a6"},
                        {"random:1", 22.1, 0.0232, "random:1", "w4a6"},
                        {"random:1:w4a4", 22.9, 0.0154, "random:1", "w4a4"},
                        {"uniform:pact:w4a4", 21.9, 16.0 / 1024, "hand"}});
  const Products products = load_products(run, run);
  const Comparison c = compare(products);
  REQUIRE(c.contests.size() == 2);
  CHECK(c.contests[0].allowance == 16.0 / 1024);  // of /schemes
  CHECK(c.contests[1].allowance == 24.0 / 1024);
  const std::string words = verdict_in_words(c);
  CHECK(contains(words, "At w4a4 the searched scheme wins: perplexity 21.400"));
  CHECK(contains(words, "the best of 2 rivals within its budget of w4a4 (1.562%)"));
  CHECK(contains(words, "At w4a6 the searched scheme LOSES: perplexity 20.700"));
  CHECK(contains(words, "higher than sensitivity (perplexity 20.300"));
  CHECK(contains(words, "over 4 windows of the test part"));
  const std::string page = report_page(products, c, "budgets");
  CHECK(contains(page, "verdict wins"));
  CHECK(contains(page, "verdict loses"));
  CHECK(contains(page, "best (sensitivity)"));
  CHECK(contains(page, "sensitivity ◂ best rival at w4a6"));
  CHECK(contains(page, ">random</text>"));
  CHECK(contains(page, ">best rival at this cost or below</text>"));
  CHECK(unbalanced_tag(page).empty());
  const auto files = csv_files(products, c);
  CHECK(lines_of(files.at("verdicts.csv")) == 1 + 2);
  CHECK(contains(files.at("comparison.csv"), "best,chosen,sensitivity,w4a6,sensitivity,20.3,"));
}

TEST_CASE("evaluations of the time before windows and the output head were counted can be reported") {
  const ScratchDirectory scratch;
  auto mine = good, other = hand;
  mine.as_before = other.as_before = true;
  synthetic::write_run(scratch.path(), mine, {other});
  const auto c = compare(load_products(scratch.path(), scratch.path()));
  CHECK(c.contests.at(0).verdict == Contest::Verdict::wins);
  CHECK(contains(verdict_in_words(c), "0.96% lower than uniform:lsq+:w4a6"));
  CHECK(contains(verdict_in_words(c), "is not known"));
  CHECK(std::isnan(c.models[*c.searched].bops_ratio_all));
  CHECK(unbalanced_tag(page_of(scratch.path())).empty());
}

TEST_CASE("a report is up to date until a product, or one of its own files, changes") {
  const ScratchDirectory scratch;
  const fs::path run = scratch.path(), folder = run / "report";
  synthetic::write_run(run, good, {});
  const auto up_to_date = [&] { return is_up_to_date(folder, load_products(run, run)); };
  CHECK(!up_to_date());
  write_report(folder, load_products(run, run), "run");
  CHECK(up_to_date());
  for (const auto& entry : fs::directory_iterator(folder)) CHECK(entry.path().extension() != ".tmp");
  SECTION("a new baseline") {
    synthetic::write_finetuned(run / "baselines/b/finetuned.h5", run, hand.scheme);
    CHECK(!up_to_date());
  }
  SECTION("a CSV file is gone") {
    fs::remove(folder / "losses.csv");
    CHECK(!up_to_date());
  }
  SECTION("the page was cut short") {
    fs::resize_file(folder / "report.html", fs::file_size(folder / "report.html") - 5);
    CHECK(!up_to_date());
  }
  SECTION("what an older report had and this one has not is removed") {
    fs::remove(run / "searched.h5");
    write_report(folder, load_products(run, run), "run");
    CHECK(up_to_date());
    CHECK(!fs::exists(folder / "search.csv"));
  }
  SECTION("the same products make the same page") {
    const std::string before = text_in(folder / "report.html");
    write_report(folder, load_products(run, run), "run");
    CHECK(text_in(folder / "report.html") == before);
  }
}

TEST_CASE("a report that cannot be written says where") {
  const ScratchDirectory scratch;
  synthetic::write_tokens(scratch.path() / "tokens.h5");
  std::ofstream(scratch.path() / "report") << "a file in the way";
  const Products products = load_products(scratch.path(), scratch.path());
  CHECK(contains(message_of<Error>([&] { write_report(scratch.path() / "report", products, "run"); }),
                 (scratch.path() / "report").string()));
}
