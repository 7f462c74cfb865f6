#include "report/page.hpp"

#include <algorithm>

#include "products/run_baselines.hpp"
#include "report/html.hpp"
#include "report/sections.hpp"

namespace bitdarts::report {

using namespace products;
namespace {

struct Part {
  const char *id, *title;
  std::string body;
};

std::string model_in_words(const Products& products) {
  const Product* product = products.pretrained ? &*products.pretrained : scheme_holder(products);
  if (product == nullptr || !product->file.has("/model")) return {};
  const auto size = [&](const char* name) {
    return std::to_string(product->file.int_attribute("/model", name).value_or(0));
  };
  std::int64_t parameters = 0;
  for (const std::string& tensor : product->file.datasets("/model"))
    parameters += static_cast<std::int64_t>(product->file.info(tensor).elements());
  std::string text = grouped(parameters) + " parameters in " + size("layers") + " blocks of width " +
                     size("dim") + ", context " + size("context") + " tokens, vocabulary " +
                     size("vocab_size");
  if (products.tokens && products.tokens->file.has("/tokens/train"))
    text += "; " +
            grouped(static_cast<std::int64_t>(products.tokens->file.info("/tokens/train").elements())) +
            " training tokens";
  return text;
}

// The newest end time of all products.
std::string made_at(const Products& products) {
  std::string newest;
  for (const auto& [name, product] : products.all()) newest = std::max(newest, product->provenance.ended);
  return newest;
}

std::string problems_html(const Products& products) {
  if (products.problems.empty()) return {};
  std::string html = "<div class=\"problems\"><strong>Not everything fits together</strong><ul>\n";
  for (const std::string& problem : products.problems) html += "<li>" + escaped(problem) + "</li>\n";
  return html + "</ul></div>\n";
}

std::string left_html(const Products& products) {
  const std::string words = left_in_words(products);
  return words.empty() ? words : "<p class=\"soft\">Folders " + escaped(words) + ".</p>\n";
}

std::string missing_html(const Products& products) {
  std::string missing;
  const auto look = [&](const std::optional<Product>& product, const char* name) {
    if (!product) missing += (missing.empty() ? "" : ", ") + std::string(name);
  };
  look(products.tokens, "tokens.h5");
  look(products.pretrained, "pretrained.h5");
  look(products.searched, "searched.h5");
  look(products.finetuned, "finetuned.h5");
  look(products.evaluation, "evaluation.h5");
  return missing.empty()
             ? ""
             : "<p class=\"soft\">Not made yet, and so not in this report: " + escaped(missing) + ".</p>\n";
}

}  // namespace

std::string report_page(const Products& products, const Comparison& comparison, const std::string& name) {
  const Part parts[] = {{"comparison", "Comparison", comparison_html(comparison)},
                        {"scheme", "Chosen scheme", scheme_html(products)},
                        {"search", "Search", search_html(products)},
                        {"discretisation", "Discretisation gap", discretisation_html(products)},
                        {"losses", "Loss curves", loss_html(products)},
                        {"protocol", "Protocol", protocol_html(products)},
                        {"provenance", "Provenance", provenance_html(products)}};
  std::string links, sections;
  for (const Part& part : parts) {
    if (part.body.empty()) continue;
    links += "<a href=\"#" + std::string(part.id) + "\">" + escaped(part.title) + "</a>\n";
    sections += section(part.id, part.title, part.body);
  }
  return page("bitdarts: " + name,
              "<header>\n<p class=\"over\">bitdarts report</p>\n<h1>" + escaped(name) +
                  "</h1>\n<p class=\"soft\">" + escaped(model_in_words(products)) +
                  "</p>\n</header>\n<nav>\n" + links + "</nav>\n" + problems_html(products) +
                  summary_html(comparison) + missing_html(products) + left_html(products) + sections +
                  "<footer>Made by bitdarts-report from products finished by " + escaped(made_at(products)) +
                  ". The numbers behind every picture are in the CSV files beside this page.</footer>\n");
}

}  // namespace bitdarts::report
