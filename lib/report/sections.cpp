// The parts of the page about what came out: summary, comparison, scheme.
#include "report/sections.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "products/stored_scheme.hpp"
#include "report/candidate_style.hpp"
#include "report/charts.hpp"
#include "report/html.hpp"
#include "report/layer_pictures.hpp"
#include "report/measures.hpp"
#include "report/verdict.hpp"

namespace bitdarts::report {

using namespace products;
namespace {

using Verdict = Contest::Verdict;

const char* css_class(Verdict verdict) {
  switch (verdict) {
    case Verdict::wins:
      return "wins";
    case Verdict::no_difference:
      return "ties";
    case Verdict::loses:
      return "loses";
    case Verdict::no_rival:
      return "open";
  }
  return "";
}

std::string verdict_box(const std::string& css_class, const std::string& words) {
  return "<div class=\"verdict " + css_class + "\"><p>" + escaped(words) + "</p></div>\n";
}

std::string tile(const std::string& number, const std::string& what, const std::string& more) {
  return "<div class=\"tile\"><span>" + escaped(what) + "</span><b>" + escaped(number) + "</b><span>" +
         escaped(more) + "</span></div>\n";
}

// What a person who takes one model from here gets: the chosen one, else the searched one.
std::string tiles(const Comparison& c) {
  std::optional<std::size_t> shown = c.searched;
  for (std::size_t i = 0; i < c.models.size(); ++i)
    if (c.models[i].role == EvaluatedModel::Role::chosen) shown = i;
  if (!shown) return {};
  const EvaluatedModel& s = c.models[*shown];
  const EvaluatedModel& full = c.models.front();  // full precision is always the first
  const std::string head =
      std::isfinite(s.bops_ratio_all) ? ", " + percent(s.bops_ratio_all, 1) + " with the output head" : "";
  return "<div class=\"tiles\">\n" +
         tile(fixed(s.perplexity, 3), "test perplexity, " + shown_name(s),
              "full precision " + fixed(full.perplexity, 3) + ", " +
                  signed_percent(s.perplexity / full.perplexity - 1)) +
         tile(byte_size(s.model_bytes), "whole model, packed",
              fixed(s.compression_ratio, 2) + " times smaller than " + byte_size(full.model_bytes)) +
         tile(percent(s.bops_ratio, 3), "bit operations",
              "of 32 x 32 bits, " + fixed(1 / s.bops_ratio, 1) + " times fewer" + head) +
         tile(fixed(s.weight_bits, 2) + " / " + fixed(s.input_bits, 2), "mean bits, weights / inputs",
              fixed(s.weight_bits_all, 2) + " bits a weight with embeddings") +
         "</div>\n";
}

std::string marked_name(const Comparison& c, std::size_t i) {
  const std::string name = shown_name(c.models[i]), mark = mark_of_row(c, i);
  if (mark.empty()) return name;
  return c.models[i].incomparable.empty() ? name + " ◂ " + mark : name + " (" + mark + ")";
}

std::string row_class(const Comparison& c, std::size_t i) {
  if (c.models[i].role == EvaluatedModel::Role::searched) return "searched";
  if (!c.models[i].incomparable.empty()) return "incomparable";
  return mark_of_row(c, i).empty() ? "" : "opponent";
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

std::string finetuned_name(const Product& finetuned) {
  const auto text = [&](const char* name) { return finetuned.file.text_attribute("/finetune", name); };
  const std::string name = text("scheme").value_or("another scheme");
  const auto chosen = text("chosen");
  return chosen ? name + " (" + *chosen + ")" : name;
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
  std::string html;
  for (const Contest& contest : c.contests)
    html += verdict_box(css_class(contest.verdict), contest_in_words(c, contest));
  const std::string remarks = remarks_in_words(c);
  if (!remarks.empty())
    html += c.contests.empty() ? verdict_box("open", remarks)
                               : "<p class=\"soft\">" + escaped(remarks) + "</p>\n";
  return html + tiles(c);
}

std::string comparison_html(const Comparison& c) {
  if (c.models.empty()) return {};
  using M = EvaluatedModel;
  HtmlTable table{{"scheme", measure_of(&M::perplexity).title, "against searched"}, {}};
  const auto others = {&M::bits_per_byte,   &M::bops_ratio,    &M::bops_ratio_all, &M::weight_bits,
                       &M::weight_bits_all, &M::input_bits,    &M::model_bytes,    &M::quantized_bytes,
                       &M::kl_divergence,   &M::top1_agreement};
  for (const auto value : others) table.header.push_back(measure_of(value).title);
  for (std::size_t i = 0; i < c.models.size(); ++i) {
    const EvaluatedModel& m = c.models[i];
    std::vector<std::string> cells{marked_name(c, i), measure_of(&M::perplexity).shown(m),
                                   against_searched(c, i)};
    for (const auto value : others) cells.push_back(measure_of(value).shown(m));
    table.rows.push_back({std::move(cells), row_class(c, i)});
  }
  return "<p>Measured on the test part, which neither training nor search has seen; KL divergence and top-1 "
         "agreement are against full precision. The opponent of a searched scheme is the best of all rivals "
         "that cost no more than its budget (or than itself, where that is more): schemes of other "
         "strategies, uniform ones, tables by hand. It is picked by its test perplexity, which favours the "
         "rivals.</p>\n<p>The perplexity of every scheme is compared with that of the searched one window "
         "by window, and ± is the standard error of the mean difference, with windows as the samples. They "
         "are taken as independent; where they overlap, each token is scored in one of them only, and "
         "neighbours share context. Within two standard errors there is no difference. The error is that of "
         "the text: another seed of training may differ by more.</p>\n" +
         to_html(table) +
         figure(draw(comparison_chart(c)), "Perplexity over cost",
                "Lower is better, and so is further left. A search was worth it where its point lies below "
                "the dotted stair, along the best rival at each cost or below.");
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
      html = "<h3>As the search chose it</h3>\n" + html +
             "<h3>What was finetuned instead: " + escaped(finetuned_name(*products.finetuned)) + "</h3>\n" +
             one_scheme(*products.finetuned, other, "finetuned");
  }
  return html;
}

}  // namespace bitdarts::report
