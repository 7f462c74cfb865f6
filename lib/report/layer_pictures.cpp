#include "report/layer_pictures.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>

#include "report/candidate_style.hpp"
#include "report/format.hpp"
#include "report/html.hpp"
#include "report/layer_grid.hpp"

namespace bitdarts::report {
namespace {

constexpr double label_width = 74, cell_width = 60, group_gap = 10, header_height = 44, legend_height = 40,
                 row_gap = 6;

// Both pictures: places of cells, labels around them.
struct Canvas {
  LayerGrid grid;
  double cell_height;

  double width() const {
    return label_width + static_cast<double>(grid.columns.size()) * (2 * cell_width + group_gap);
  }
  double height() const {
    return header_height + static_cast<double>(grid.rows.size()) * (cell_height + row_gap) + legend_height;
  }
  double x(std::size_t layer, bool weight) const {
    return label_width + static_cast<double>(grid.places[layer].column) * (2 * cell_width + group_gap) +
           (weight ? 0 : cell_width);
  }
  double y(std::size_t layer) const { return row_y(grid.places[layer].row); }
  double row_y(std::size_t row) const {
    return header_height + static_cast<double>(row) * (cell_height + row_gap);
  }
};

std::string text_at(double x, double y, const std::string& css_class, const std::string& text) {
  return "<text x=\"" + svg_number(x) + "\" y=\"" + svg_number(y) + "\" class=\"" + css_class + "\">" +
         escaped(text) + "</text>\n";
}

std::string box(double x, double y, double width, double height, const std::string& attributes) {
  return "<rect x=\"" + svg_number(x) + "\" y=\"" + svg_number(y) + "\" width=\"" + svg_number(width) +
         "\" height=\"" + svg_number(height) + "\" " + attributes + "/>\n";
}

Canvas canvas_of(const quant::Scheme& scheme, double cell_height) {
  std::vector<std::string> names;
  for (const auto& entry : scheme.entries) names.push_back(entry.layer);
  return {grid_of(names), cell_height};
}

std::string labels(const Canvas& canvas, const std::vector<std::string>& notes) {
  std::string svg;
  for (std::size_t c = 0; c < canvas.grid.columns.size(); ++c) {
    const double x = label_width + static_cast<double>(c) * (2 * cell_width + group_gap);
    svg += text_at(x + cell_width, 12, "column", canvas.grid.columns[c]);
    if (c < notes.size()) svg += text_at(x + cell_width, 25, "note", notes[c]);
    svg += text_at(x + cell_width / 2, 39, "note", "weight") +
           text_at(x + 1.5 * cell_width, 39, "note", "input");
  }
  for (std::size_t r = 0; r < canvas.grid.rows.size(); ++r)
    svg += text_at(0, canvas.row_y(r) + canvas.cell_height / 2 + 4, "row", canvas.grid.rows[r]);
  return svg;
}

std::string framed(const Canvas& canvas, const std::string& prefix, const std::string& title,
                   const std::string& body, const std::vector<quant::Candidate>& candidates) {
  // The legend may be wider than a model with few projections.
  const double width = std::max(canvas.width(), 720.0);
  return "<div class=\"scroll\"><svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" class=\"layers\" "
         "viewBox=\"0 0 " +
         svg_number(width) + " " + svg_number(canvas.height()) + "\">\n<title>" + escaped(title) +
         "</title>\n" + hatching_definitions(candidates, prefix) + body + "<g transform=\"translate(" +
         svg_number(label_width) + "," + svg_number(canvas.height() - 24) + ")\">\n" +
         candidate_legend(candidates, prefix) + "</g>\n</svg></div>\n";
}

std::vector<quant::Candidate> candidates_of(const quant::Scheme& scheme) {
  std::vector<quant::Candidate> all;
  for (const auto& entry : scheme.entries) {
    all.push_back(entry.weight);
    all.push_back(entry.input);
  }
  return all;
}

// "128 x 352" above a column where all its layers are that large.
std::vector<std::string> size_notes(const Canvas& canvas, const std::vector<quant::LayerShape>& layers) {
  std::vector<std::string> notes(canvas.grid.columns.size());
  std::vector<bool> seen(notes.size(), false);
  for (std::size_t l = 0; l < std::min(layers.size(), canvas.grid.places.size()); ++l) {
    if (!canvas.grid.rows[canvas.grid.places[l].row].starts_with("block ") || layers[l].out_features == 0)
      continue;
    const std::size_t column = canvas.grid.places[l].column;
    const std::string note =
        std::to_string(layers[l].out_features) + " × " + std::to_string(layers[l].in_features);
    if (!seen[column])
      notes[column] = note;
    else if (notes[column] != note)
      notes[column].clear();
    seen[column] = true;
  }
  return notes;
}

std::string scheme_cell(const quant::Candidate& candidate, double x, double y, double height,
                        const std::string& title, const std::string& prefix) {
  const double width = cell_width - 3, method_width = 26;
  std::string svg =
      "<g><title>" + escaped(title) + "</title>" +
      box(x, y, width, height, "rx=\"4\" class=\"cell\" fill=\"" + fill_of(candidate.bits) + "\"");
  svg += box(x + width - method_width, y + 0.5, method_width - 0.5, height - 1,
             "rx=\"4\" fill=\"" + fill_of(candidate, prefix) + "\"");
  svg += "<text x=\"" + svg_number(x + (width - method_width) / 2 + 2) + "\" y=\"" +
         svg_number(y + height / 2 + 7) + "\" class=\"bits\" font-size=\"" +
         std::string(candidate.bits < 10 ? "19" : "17") + "\" fill=\"" + ink_on(candidate.bits) + "\">" +
         std::to_string(candidate.bits) + "</text>\n";
  return svg + glyph(candidate.method, x + width - method_width / 2, y + height / 2, 16) + "</g>\n";
}

// The records that a panel shows. Many panels, fewer of them: the page stays small, and a panel is small
// anyway.
std::vector<std::size_t> shown_records(std::size_t records, std::size_t panels) {
  const std::size_t most = panels > 100 ? 20 : 50;
  std::vector<std::size_t> shown;
  const std::size_t count = std::min(records, most);
  for (std::size_t k = 0; k < count; ++k) shown.push_back(count == 1 ? 0 : k * (records - 1) / (count - 1));
  return shown;
}

// Places of the candidates in the rows of a history, in stacking order.
std::vector<std::size_t> stacked_columns(const ProbabilityHistory& history) {
  std::vector<std::size_t> columns;
  for (const auto& candidate : stacking_order(history.candidates))
    columns.push_back(
        static_cast<std::size_t>(std::find(history.candidates.begin(), history.candidates.end(), candidate) -
                                 history.candidates.begin()));
  return columns;
}

std::string panel(const ProbabilityHistory& history, const quant::Candidate& chosen, double height,
                  std::size_t panels) {
  const double width = cell_width - 9;
  const auto shown = shown_records(history.probabilities.size(), panels);
  const auto x = [&](std::size_t k) {
    return shown.size() < 2 ? width * static_cast<double>(k > 0)
                            : width * static_cast<double>(k) / static_cast<double>(shown.size() - 1);
  };
  const auto y = [&](double p) { return height * (1 - std::clamp(p, 0.0, 1.0)); };
  std::vector<double> sum(shown.size(), 0.0);
  std::string areas, bar;
  for (const std::size_t column : stacked_columns(history)) {
    const auto& candidate = history.candidates[column];
    std::string border;
    double widest = 0;
    for (std::size_t k = 0; k < shown.size(); ++k) {
      const double p = history.probabilities[shown[k]][column];
      widest = std::max(widest, p);
      sum[k] += p;
      border += svg_number(x(k)) + "," + svg_number(y(sum[k])) + " ";
    }
    if (candidate == chosen) {
      const double p = history.probabilities.back()[column];
      bar = box(width + 1.5, y(sum.back()), 3.5, std::max(2.0, height * p), "class=\"chosen\"");
    }
    if (widest * height < 0.3) continue;  // never as thick as a hair
    if (shown.size() == 1) border += svg_number(width) + "," + svg_number(y(sum[0])) + " ";
    // Each reaches down to the bottom, and is painted before the ones below it.
    areas = "<polygon points=\"" + border + svg_number(width) + "," + svg_number(height) + " 0," +
            svg_number(height) + "\" fill=\"" + fill_of(candidate, "history") + "\"/>\n" + areas;
  }
  return "<title>" + escaped(history.layer + (history.weight ? " weight" : " input")) + "</title>\n" + areas +
         box(0, 0, width, height, "class=\"frame\"") + bar;
}

}  // namespace

std::string scheme_picture(const quant::Scheme& scheme, const std::vector<quant::LayerShape>& layers,
                           const std::string& prefix) {
  if (scheme.entries.empty()) return {};
  const Canvas canvas = canvas_of(scheme, 34);
  std::string body = labels(canvas, size_notes(canvas, layers));
  for (std::size_t l = 0; l < scheme.entries.size(); ++l) {
    const auto& entry = scheme.entries[l];
    for (const bool weight : {true, false}) {
      const auto& candidate = weight ? entry.weight : entry.input;
      body += scheme_cell(candidate, canvas.x(l, weight), canvas.y(l), canvas.cell_height,
                          entry.layer + (weight ? " weight: " : " input: ") + quant::to_string(candidate),
                          prefix);
    }
  }
  return framed(canvas, prefix, "The scheme: bits and method of every layer's weight and input", body,
                candidates_of(scheme));
}

std::vector<ProbabilityHistory> probability_histories(const store::File& file, const quant::Scheme& scheme) {
  std::vector<ProbabilityHistory> histories;
  for (const auto& entry : scheme.entries) {
    for (const bool weight : {true, false}) {
      const std::string tail = entry.layer + (weight ? "/weight" : "/input");
      const std::string matrix = "/metrics/probability/" + tail, names = "/quant/" + tail + "/candidates";
      if (!file.has(matrix) || !file.has(names)) continue;
      ProbabilityHistory history{entry.layer, weight, {}, {}};
      std::istringstream lines(file.read_text(names));
      for (std::string line; std::getline(lines, line);)
        if (!line.empty())
          history.candidates.push_back(quant::parse_candidate(line, file.path().string() + ":" + names));
      const auto shape = file.info(matrix).shape;
      if (shape.size() != 2 || shape[0] == 0 || shape[1] != history.candidates.size()) continue;
      const auto values = file.read<double>(matrix);
      const auto columns = static_cast<std::ptrdiff_t>(shape[1]);
      for (auto at = values.begin(); at != values.end(); at += columns)
        history.probabilities.emplace_back(at, at + columns);
      histories.push_back(std::move(history));
    }
  }
  return histories;
}

std::string probability_picture(const std::vector<ProbabilityHistory>& histories,
                                const quant::Scheme& scheme) {
  if (histories.empty()) return {};
  const Canvas canvas = canvas_of(scheme, 46);
  std::map<std::string, std::size_t> layer_of;
  for (std::size_t l = 0; l < scheme.entries.size(); ++l) layer_of[scheme.entries[l].layer] = l;
  std::string body = labels(canvas, {});
  std::vector<quant::Candidate> candidates;
  for (const ProbabilityHistory& history : histories) {
    const auto found = layer_of.find(history.layer);
    if (found == layer_of.end()) continue;
    const auto& entry = scheme.entries[found->second];
    body +=
        "<g transform=\"translate(" + svg_number(canvas.x(found->second, history.weight)) + "," +
        svg_number(canvas.y(found->second)) + ")\">" +
        panel(history, history.weight ? entry.weight : entry.input, canvas.cell_height, histories.size()) +
        "</g>\n";
    candidates.insert(candidates.end(), history.candidates.begin(), history.candidates.end());
  }
  return framed(canvas, "history",
                "How probability moved between the candidates of every layer's weight and input", body,
                candidates);
}

}  // namespace bitdarts::report
