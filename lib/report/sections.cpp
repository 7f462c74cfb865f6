// The parts of the page about what came out: summary, comparison, scheme.
#include "report/sections.hpp"

#include <algorithm>

#include "report/candidate_style.hpp"
#include "report/charts.hpp"
#include "report/html.hpp"
#include "report/layer_pictures.hpp"
#include "report/stored_scheme.hpp"

namespace bitdarts::report {
namespace {

using Verdict = Comparison::Verdict;

const char* css_class(Verdict verdict) {
  switch (verdict) {
    case Verdict::wins:
      return "wins";
    case Verdict::ties:
      return "ties";
    case Verdict::loses:
      return "loses";
    case Verdict::nothing_searched:
    case Verdict::no_opponent:
      return "open";
  }
  return "";
}

std::string tile(const std::string& number, const std::string& what, const std::string& more) {
  return "<div class=\"tile\"><span>" + escaped(what) + "</span><b>" + escaped(number) + "</b><span>" +
         escaped(more) + "</span></div>\n";
}

std::string tiles(const Comparison& c) {
  const EvaluatedModel& s = c.models[*c.searched];
  const EvaluatedModel& full = c.models.front();  // full precision is always the first
  return "<div class=\"tiles\">\n" +
         tile(fixed(s.perplexity, 3), "test perplexity",
              "full precision " + fixed(full.perplexity, 3) + ", " +
                  percent(s.perplexity / full.perplexity - 1) + " above") +
         tile(byte_size(s.model_bytes), "whole model, packed",
              fixed(s.compression_ratio, 2) + " times smaller than " + byte_size(full.model_bytes)) +
         tile(percent(s.bops_ratio), "bit operations",
              "of 32 x 32 bits, " + fixed(1 / s.bops_ratio, 1) + " times fewer") +
         tile(fixed(s.weight_bits, 2) + " / " + fixed(s.input_bits, 2), "mean bits, weights / inputs",
              fixed(s.weight_bits_all, 2) + " bits a weight with embeddings") +
         "</div>\n";
}

std::string marked_name(const Comparison& c, std::size_t i) {
  const EvaluatedModel& model = c.models[i];
  if (c.opponent == i) return model.name + " ◂ best by hand";
  return model.incomparable.empty() ? model.name : model.name + " (not comparable)";
}

std::string row_class(const Comparison& c, std::size_t i) {
  if (c.searched == i) return "searched";
  if (c.opponent == i) return "opponent";
  return c.models[i].incomparable.empty() ? "" : "incomparable";
}

// How many layers took each candidate.
HtmlTable counts(const quant::Scheme& scheme) {
  const auto weights = uses_of(scheme, true), inputs = uses_of(scheme, false);
  std::vector<quant::Candidate> taken;
  for (const auto& entry : scheme.entries)
    for (const auto& candidate : {entry.weight, entry.input})
      if (std::find(taken.begin(), taken.end(), candidate) == taken.end()) taken.push_back(candidate);
  HtmlTable table{{"layers that took"}, {{{"weights"}, ""}, {{"inputs"}, ""}}};
  for (const auto& candidate : stacking_order(taken)) {
    const std::string name = quant::to_string(candidate);
    table.header.push_back(name);
    const auto count = [&](const std::map<std::string, int>& uses) {
      return uses.contains(name) ? std::to_string(uses.at(name)) : std::string("·");
    };
    table.rows[0].cells.push_back(count(weights));
    table.rows[1].cells.push_back(count(inputs));
  }
  return table;
}

std::string one_scheme(const Product& holder, const quant::Scheme& scheme, const std::string& prefix) {
  return figure(scheme_picture(scheme, layer_shapes(holder.file, scheme), prefix), "",
                "Each pair of cells is one layer: its weight to the left, its input activation to the right. "
                "Darker is more bits.") +
         to_html(counts(scheme)) +
         folded("The scheme as a table that finetune reads",
                "<pre>" + escaped(quant::to_table(scheme)) + "</pre>\n");
}

}  // namespace

std::string summary_html(const Comparison& c) {
  if (c.models.empty()) return {};
  std::string html = "<div class=\"verdict " + std::string(css_class(c.verdict)) + "\"><p>" +
                     escaped(verdict_in_words(c)) + "</p></div>\n";
  return c.searched ? html + tiles(c) : html;
}

std::string comparison_html(const Comparison& c) {
  if (c.models.empty()) return {};
  HtmlTable table{
      {"scheme", "perplexity", "bits per byte", "BOPs ratio", "bits per weight", "with embeddings",
       "bits per input", "model [MB]", "quantized weights [MB]", "KL [nats]", "top-1 agrees"},
      {}};
  for (std::size_t i = 0; i < c.models.size(); ++i) {
    const EvaluatedModel& m = c.models[i];
    table.rows.push_back(
        {{marked_name(c, i), fixed(m.perplexity, 3), fixed(m.bits_per_byte, 4), percent(m.bops_ratio, 3),
          fixed(m.weight_bits, 2), fixed(m.weight_bits_all, 2), fixed(m.input_bits, 2),
          fixed(m.model_bytes / 1e6, 3), fixed(m.quantized_bytes / 1e6, 3), fixed(m.kl_divergence, 4),
          percent(m.top1_agreement)},
         row_class(c, i)});
  }
  return "<p>Measured on the test part, which neither training nor search has seen; KL divergence and top-1 "
         "agreement are against full precision. The opponent of the "
         "searched scheme is the best uniform scheme at the nearest cost that is not below its own. This is "
         "one run with one seed: small differences can be chance.</p>\n" +
         to_html(table) +
         figure(draw(comparison_chart(c)), "Perplexity over cost",
                "Lower is better, and so is further left. A search was worth it where its point lies below "
                "the dotted line through the best schemes chosen by hand.");
}

const Product* scheme_holder(const Products& products) {
  for (const auto* product : {&products.searched, &products.finetuned})
    if (*product && (*product)->file.has("/scheme/table")) return &**product;
  return nullptr;
}

std::string scheme_html(const Products& products) {
  const Product* holder = scheme_holder(products);
  if (holder == nullptr) return {};
  const auto scheme = read_scheme(holder->file);
  std::string html = one_scheme(*holder, scheme, "scheme");
  // A run can search one scheme and finetune another, that a person wrote.
  if (products.finetuned && products.finetuned->file.has("/scheme/table") && holder != &*products.finetuned) {
    const auto other = read_scheme(products.finetuned->file);
    if (!(other == scheme))
      html =
          "<h3>As the search chose it</h3>\n" + html + "<h3>What was finetuned instead: " +
          escaped(products.finetuned->file.text_attribute("/finetune", "scheme").value_or("another scheme")) +
          "</h3>\n" + one_scheme(*products.finetuned, other, "finetuned");
  }
  return html;
}

}  // namespace bitdarts::report
