#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <set>

#include "catch.hpp"
#include "core/error.hpp"
#include "quant/methods/table.hpp"
#include "report/candidate_style.hpp"
#include "report/chart.hpp"
#include "report/gnuplot.hpp"
#include "report/layer_grid.hpp"
#include "report/layer_pictures.hpp"
#include "support.hpp"
#include "synthetic.hpp"

using namespace bitdarts;
using namespace bitdarts::report;

namespace {

// Relative luminance by WCAG 2.
double luminance(const std::string& colour) {
  double sum = 0;
  const double weights[] = {0.2126, 0.7152, 0.0722};
  for (std::size_t k = 0; k < 3; ++k) {
    const double c = std::stoi(colour.substr(1 + 2 * k, 2), nullptr, 16) / 255.0;
    sum += weights[k] * (c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4));
  }
  return sum;
}

double contrast(const std::string& a, const std::string& b) {
  const double bright = std::max(luminance(a), luminance(b)), dark = std::min(luminance(a), luminance(b));
  return (bright + 0.05) / (dark + 0.05);
}

}  // namespace

TEST_CASE("more bits are darker, and every number can be read on its colour") {
  for (int bits = 2; bits <= 16; ++bits) {
    if (bits > 2) CHECK(luminance(fill_of(bits)) < luminance(fill_of(bits - 1)));
    CHECK(contrast(fill_of(bits), ink_on(bits)) >= 4.5);
  }
  CHECK(luminance(fill_of(32)) < luminance(fill_of(16)));
  CHECK(contrast(fill_of(32), ink_on(32)) >= 4.5);
  // Told apart without hue: neighbouring widths that people use differ in lightness alone.
  for (int bits = 2; bits < 32; bits *= 2) CHECK(contrast(fill_of(bits), fill_of(2 * bits)) > 1.25);
}

TEST_CASE("layers stand in a grid of blocks and projections, others below") {
  const LayerGrid grid =
      grid_of({"model.layers.0.self_attn.q_proj", "model.layers.0.mlp.down_proj",
               "model.layers.1.self_attn.q_proj", "model.layers.1.mlp.down_proj", "lm_head"});
  CHECK(grid.rows == std::vector<std::string>{"block 0", "block 1", "lm_head"});
  CHECK(grid.columns == std::vector<std::string>{"q", "down"});
  CHECK(grid.places[3].row == 1);
  CHECK(grid.places[3].column == 1);
  CHECK(grid.places[4].row == 2);
  CHECK(grid_of({"lm_head"}).columns.size() == 1);
}

TEST_CASE("the scheme picture shows every layer's weight and input with bits and method") {
  synthetic::Sizes sizes;
  auto scheme = synthetic::scheme(sizes);
  scheme.entries.push_back({"lm_head", {quant::Method::uniform, 5}, {quant::Method::pact, 12}});
  auto layers = synthetic::layers(sizes);
  layers.push_back({"lm_head", 300, 16});
  const std::string svg = scheme_picture(scheme, layers);
  for (const auto& entry : scheme.entries) {
    CHECK(contains(svg, "<title>" + entry.layer + " weight: " + quant::to_string(entry.weight) + "</title>"));
    CHECK(contains(svg, "<title>" + entry.layer + " input: " + quant::to_string(entry.input) + "</title>"));
  }
  const std::size_t cells = 2 * scheme.entries.size();
  // One more of each width and method stands in the legend.
  CHECK(occurrences(svg, "class=\"bits\"") == cells + 6);    // 4 5 8 12 16 32
  CHECK(occurrences(svg, "class=\"letter\"") == cells + 4);  // lsq+ pact uniform fp32
  CHECK(contains(svg, ">48 × 16<"));
  CHECK(unbalanced_tag(svg).empty());
  CHECK(scheme_picture({}, {}).empty());
}

TEST_CASE("the history has a panel for every tensor, and marks the candidate that was taken") {
  quant::Scheme scheme;
  const auto candidates = quant::parse_candidates({"fp32", "lsq+:4"});
  scheme.entries.push_back({"model.layers.0.self_attn.q_proj", candidates[1], candidates[0]});
  const std::vector<std::vector<double>> records(300, {0.25, 0.75});
  const std::vector<ProbabilityHistory> histories{{scheme.entries[0].layer, true, candidates, records},
                                                  {scheme.entries[0].layer, false, candidates, records}};
  const std::string svg = probability_picture(histories, scheme);
  CHECK(contains(svg, "<title>model.layers.0.self_attn.q_proj weight</title>"));
  CHECK(contains(svg, "<title>model.layers.0.self_attn.q_proj input</title>"));
  CHECK(occurrences(svg, "class=\"chosen\"") == 2);
  CHECK(contains(svg, "height=\"34.5\" class=\"chosen\""));  // 0.75 of 46: the weight's lsq+:4, at the bottom
  CHECK(contains(svg, "height=\"11.5\" class=\"chosen\""));  // 0.25 of 46: the input's fp32, at the top
  CHECK(unbalanced_tag(svg).empty());
  CHECK(svg.size() < 20000);  // 300 records are thinned
  CHECK(probability_picture({}, scheme).empty());
}

TEST_CASE("a chart is inline SVG in the page's colours") {
  Chart chart{
      .name = "loss", .title = "a <chart> & more", .x_label = "step", .y_label = "it's \"loss\"\n\\n"};
  chart.series = {{"trai{ni}_ng $x", {0, 1, 2}, {3, NAN, 1}}, {"", {}, {}, Ink::red}};
  const std::string svg = draw(chart);
  CHECK(svg.starts_with("<svg"));
  CHECK(svg.ends_with("</svg>\n"));
  CHECK(contains(svg, "<title>a &lt;chart&gt; &amp; more</title>"));
  CHECK(contains(svg, "trai{ni}_ng $x"));
  CHECK(contains(svg, "var(--blue)"));
  CHECK(contains(svg, "var(--ink)"));
  CHECK(!contains(svg, "rgb(  1,"));
  CHECK(!contains(svg, "var(--red)"));
  CHECK(contains(svg, "id='loss-gpPt0'"));
  CHECK(unbalanced_tag(svg).empty());
  chart.series[0].y = {NAN, NAN, INFINITY};
  CHECK(draw(chart).empty());
}

TEST_CASE("thinning keeps both ends, smoothing keeps a constant and a slope") {
  Series series{"x", {}, {}};
  for (int i = 0; i < 1000; ++i) series.x.push_back(i), series.y.push_back(2.0 * i);
  const Series few = thinned(series, 10);
  CHECK(few.x.size() == 10);
  CHECK(few.x.front() == 0);
  CHECK(few.x.back() == 999);
  const Series smooth = smoothed(series, 21);
  CHECK(smooth.y[0] == 0);
  CHECK(smooth.y[3] == Approx(6));
  CHECK(smooth.y[500] == Approx(1000));
  CHECK(smooth.y[999] == Approx(2 * (989 + 999) / 2.0));
}

TEST_CASE("what gnuplot refuses is an error with its words, and so is gnuplot not being there") {
  CHECK(contains(message_of<Error>([] { run_gnuplot("set terminal svg\nplot nonsense\n"); }), "nonsense"));
  CHECK_THROWS_AS(run_gnuplot("# draws nothing\n"), Error);
  const ScratchDirectory empty;
  const std::string path = std::getenv("PATH");
  setenv("PATH", empty.path().c_str(), 1);
  const std::string message = message_of<Error>([] { run_gnuplot("plot x\n"); });
  setenv("PATH", path.c_str(), 1);
  CHECK(contains(message, "gnuplot is not installed"));
  CHECK(contains(message, "gnuplot-nox"));
}

TEST_CASE("every method of the table can be drawn, each in a shape and hatching of its own") {
  std::set<std::string> glyphs, fills;
  for (const auto& row : quant::Methods::rows) {
    const quant::Candidate candidate{row.method, 8};
    const std::string glyph = report::glyph(row.method, 10, 10, 14);
    CHECK(contains(glyph, ">" + std::string(1, row.letter) + "</text>"));
    glyphs.insert(glyph.substr(0, glyph.find("<text")));
    if (quant::has_codes(row)) fills.insert(report::fill_of(candidate, "p"));
    CHECK(contains(report::candidate_legend({candidate}, "p"), row.name));
  }
  CHECK(glyphs.size() == quant::Methods::rows.size());
  CHECK(fills.size() == quant::Methods::rows.size() - 1);
}

TEST_CASE("a gnuplot string cannot be left") {
  CHECK(gnuplot_quoted("it's") == "'it''s'");
  CHECK(gnuplot_quoted("a\nsystem 'x'") == "'a system ''x'''");
}
