// The parts of the page about how it came out: search, losses, discretisation, protocol, provenance.
#include <cmath>

#include "products/stored_scheme.hpp"
#include "report/charts.hpp"
#include "report/html.hpp"
#include "report/layer_pictures.hpp"
#include "report/sections.hpp"

namespace bitdarts::report {

using namespace products;
namespace {

std::string drawn(const std::vector<Chart>& charts) {
  std::string html;
  for (const Chart& chart : charts) html += figure(draw(chart), chart.title);
  return html.empty() ? html : "<div class=\"charts\">\n" + html + "</div>\n";
}

double number(const Product& product, const std::string& object, const std::string& name) {
  return product.file.double_attribute(object, name).value_or(NAN);
}

std::string budget_in_words(const Product& searched) {
  const auto text = [&](const char* name) {
    return searched.file.text_attribute("/search", name).value_or("unknown");
  };
  const double target = number(searched, "/search", "target"),
               expected = number(searched, "/search", "expected_cost"),
               scheme = number(searched, "/search", "scheme_cost");
  if (!(target > 0))
    return "No budget was given. The scheme costs " + percent(scheme, 3) + " of 32-bit precision (" +
           text("cost") + ").";
  return "Budget " + text("budget") + " (" + text("cost") + "): " + percent(target, 3) +
         " of 32-bit precision. When its time in the search ended, the expected cost was " +
         percent(expected, 3) + ", " + percent(std::abs(expected / target - 1)) +
         (expected > target ? " above" : " below") + " the budget; the discrete scheme costs " +
         percent(scheme, 3) + ", " + percent(scheme / target, 1) + " of what was allowed.";
}

std::string inputs_of(const store::Provenance& provenance) {
  std::string text;
  for (const store::InputRecord& input : provenance.inputs) text += (text.empty() ? "" : ", ") + input.name;
  return text.empty() ? "text files" : text;
}

std::string provenance_details(const std::string& name, const Product& product) {
  const store::Provenance& p = product.provenance;
  std::vector<std::pair<std::string, std::string>> facts{
      {"file", product.path.string()},
      {"key", p.key},
      {"content", product.content_hash},
      {"program", "bitdarts " + p.program_version + ", revision " + p.git_revision},
      {"compiler", p.compiler},
      {"libraries", p.libraries},
      {"host",
       p.host + ", " + std::to_string(p.ranks) + " ranks of " + std::to_string(p.threads) + " threads"},
      {"time", p.started + " to " + p.ended}};
  for (const store::InputRecord& input : p.inputs)
    facts.emplace_back("input " + input.name, input.content_hash + " (" + input.path + ")");
  std::string html = "<table class=\"wrap\">";
  for (const auto& [label, value] : facts)
    html += "<tr><td>" + escaped(label) + "</td><td>" + escaped(value) + "</td></tr>\n";
  return folded(
      name, html + "</table>\n" + folded("Configuration", "<pre>" + escaped(p.configuration) + "</pre>\n"));
}

}  // namespace

std::string search_html(const Products& products) {
  if (!products.searched) return {};
  const auto scheme = read_scheme(products.searched->file);
  return "<p>" + escaped(budget_in_words(*products.searched)) + "</p>\n" +
         drawn(search_charts(*products.searched)) +
         figure(probability_picture(probability_histories(products.searched->file, scheme), scheme),
                "Probability of every candidate",
                "Each panel is one weight or input, in the places of the scheme above; time runs from left "
                "to right, probability from bottom to top. Candidates are stacked "
                "from few bits to many. The bar at the right end spans the candidate that the scheme took, "
                "which need not be the most probable one: the budget has a say.");
}

std::string loss_html(const Products& products) {
  const std::string charts = drawn(loss_charts(products));
  return charts.empty() ? charts
                        : "<p class=\"soft\">Pale: single batches. Lines: means over a fortieth of the "
                          "steps. The first, steepest steps lie above the frame.</p>\n" +
                              charts;
}

std::vector<GapStep> discretisation_gap(const Products& products) {
  std::vector<GapStep> steps;
  const auto add = [&](const std::string& name, const Product& product, const char* object,
                       const char* attribute) {
    const double loss = number(product, object, attribute);
    if (std::isfinite(loss)) steps.push_back({name, loss});
  };
  if (products.searched) {
    add("full precision, before the search", *products.searched, "/search", "full_precision_loss");
    add("mixed network at the end of the search", *products.searched, "/search", "mixed_loss");
    add("discrete network, before finetuning", *products.searched, "/search", "discrete_loss");
  }
  if (products.finetuned) {
    const std::string from = products.finetuned->file.text_attribute("/finetune", "from").value_or("unknown");
    add("where finetuning starts (" + from + " weights)", *products.finetuned, "/finetune", "start_loss");
    add("discrete network, after finetuning", *products.finetuned, "/finetune", "final_loss");
  }
  return steps;
}

std::string discretisation_html(const Products& products) {
  const auto steps = discretisation_gap(products);
  if (steps.empty()) return {};
  HtmlTable table{{"network", "loss [nats per token]", "perplexity", "above the first"}, {}};
  for (const GapStep& step : steps) {
    const double gap = step.loss - steps.front().loss;
    table.rows.push_back({{step.name, fixed(step.loss, 4), fixed(std::exp(step.loss), 3),
                           &step == &steps.front() ? "" : (gap < 0 ? "−" : "+") + fixed(std::abs(gap), 4)},
                          ""});
  }
  return "<p>What rounding the mixture to one candidate a tensor costs, and what finetuning wins back. "
         "Losses on validation batches of the search part; the search and "
         "finetuning may use different numbers of them.</p>\n" +
         to_html(table);
}

std::string protocol_html(const Products& products) {
  const Product* evaluation = products.evaluation ? &*products.evaluation : nullptr;
  for (const Baseline& baseline : products.baselines)
    if (evaluation == nullptr && baseline.evaluation) evaluation = &*baseline.evaluation;
  if (evaluation == nullptr) return {};
  const auto count = [&](const char* name) {
    const auto value = evaluation->file.int_attribute("/evaluation", name);
    return value ? grouped(*value) : std::string("-");
  };
  std::string html = "<p>" +
                     escaped(evaluation->file.text_attribute("/evaluation", "protocol")
                                 .value_or("The evaluation does not say.")) +
                     "</p>\n<p>" +
                     escaped(count("tokens") + " tokens in " + count("windows") + " windows, " +
                             count("bytes") + " bytes of text.") +
                     "</p>\n";
  if (evaluation->file.int_attribute("/evaluation", "packed_logits_equal") == 1)
    html += "<p>What was measured is the model unpacked from the bytes on disk; on " +
            count("packed_windows_compared") +
            " windows its logits are those of the fake-quantized model, bit for bit.</p>\n";
  return html;
}

std::string provenance_html(const Products& products) {
  const auto all = products.all();
  if (all.empty()) return {};
  HtmlTable table{{"product", "made by", "from", "content", "finished", "took", "ranks", "revision"}, {}};
  std::string details;
  for (const auto& [name, product] : all) {
    const store::Provenance& p = product->provenance;
    table.rows.push_back({{name, "bitdarts-" + p.stage, inputs_of(p), product->content_hash.substr(0, 12),
                           p.ended, duration(p.started, p.ended), std::to_string(p.ranks), p.git_revision},
                          ""});
    details += provenance_details(name, *product);
  }
  return to_html(table) + details;
}

}  // namespace bitdarts::report
