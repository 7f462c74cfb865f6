#include "report/inspect_facts.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <sstream>

#include "config/config.hpp"
#include "core/error.hpp"
#include "products/stored_scheme.hpp"
#include "quant/cost.hpp"
#include "report/format.hpp"
#include "store/metrics.hpp"

namespace bitdarts::report {

using namespace products;
namespace {

using Facts = std::vector<std::string>;
using Describe = Facts (*)(const store::File&);

constexpr std::size_t line_width = 84;

std::string plural(std::int64_t count, const std::string& noun) {
  return grouped(count) + " " + noun + (count == 1 ? "" : "s");
}

// A stored number; NaN when the file does not have it.
double number(const store::File& file, const std::string& object, const std::string& name) {
  return file.double_attribute(object, name).value_or(std::nan(""));
}

std::uint64_t length_of(const store::File& file, const std::string& dataset) {
  return file.has(dataset) ? file.info(dataset).elements() : 0;
}

Facts token_facts(const store::File& file) {
  TextTable table{{"part", "documents", "bytes", "tokens", "bytes/token"}, {}};
  for (const std::string part : {"train", "search", "test"}) {
    const auto tokens = static_cast<std::int64_t>(length_of(file, "/tokens/" + part));
    const auto documents = static_cast<std::int64_t>(length_of(file, "/documents/" + part + "/bytes"));
    const std::int64_t bytes = file.required_int("/tokens", part + "_bytes");
    // The document ends stand for no text.
    table.rows.push_back({part, grouped(documents), grouped(bytes), grouped(tokens),
                          fixed(static_cast<double>(bytes) / static_cast<double>(tokens - documents), 3)});
  }
  std::string text = aligned(table);
  text.pop_back();
  return {"vocabulary of " + plural(file.required_int("/tokenizer", "vocab_size"), "piece") +
              ", tokenizer model of " + byte_size(static_cast<double>(length_of(file, "/tokenizer/model"))),
          text};
}

Facts model_facts(const store::File& file) {
  const auto size = [&](const char* name) { return std::to_string(file.required_int("/model", name)); };
  std::int64_t parameters = 0;
  for (const std::string& tensor : file.datasets("/model"))
    parameters += static_cast<std::int64_t>(file.info(tensor).elements());
  return {plural(parameters, "parameter") + " in " +
              plural(static_cast<std::int64_t>(file.datasets("/model").size()), "tensor"),
          "decoder of " + plural(file.required_int("/model", "layers"), "block") + ", width " + size("dim") +
              ", " + size("heads") + " heads (" + size("kv_heads") + " of keys and values), SwiGLU width " +
              size("ffn"),
          "vocabulary " + grouped(file.required_int("/model", "vocab_size")) + ", context " +
              size("context") + " tokens, " +
              (file.required_int("/model", "tied_embeddings") != 0 ? "output head tied to the embedding"
                                                                   : "output head of its own")};
}

Facts search_facts(const store::File& file) {
  const auto value = [&](const char* name) { return number(file, "/search", name); };
  const auto text = [&](const char* name) {
    return file.text_attribute("/search", name).value_or("unknown");
  };
  const bool free = file.int_attribute("/search", "capacity").value_or(0) == 0;
  const auto strategy = file.text_attribute("/search", "strategy");
  Facts facts{(strategy ? "strategy " + *strategy + ", " : "") +
              plural(file.int_attribute("/search", "steps").value_or(0), "step") + ", cost counted in " +
              text("cost")};
  if (free) {
    facts.push_back("no budget");
  } else {
    const double target = value("target"), expected = value("expected_cost");
    facts.push_back("budget " + text("budget") + " = " + percent(target, 3) +
                    " of 32-bit cost; expected cost when its time ended " + percent(expected, 3) + ", " +
                    percent(std::abs(expected / target - 1)) + (expected > target ? " above" : " below"));
  }
  facts.push_back(
      "cost of the scheme " + percent(value("scheme_cost"), 3) +
      (free ? "" : " (" + percent(value("scheme_cost") / value("target"), 1) + " of the budget)"));
  facts.push_back("loss [nats/token]: full precision " + fixed(value("full_precision_loss"), 4) + ", mixed " +
                  fixed(value("mixed_loss"), 4) + ", discrete before finetuning " +
                  fixed(value("discrete_loss"), 4));
  return facts;
}

// One line a budget, the first being that of /search.
Facts budget_facts(const store::File& file) {
  TextTable table{{"budget", "allowed", "cost", "of it", "discrete loss"}, {}};
  for (const StoredBudget& budget : stored_budgets(file)) {
    const double cost = number(file, budget.group, "scheme_cost");
    table.rows.push_back({budget.text.empty() ? "-" : budget.text, percent(budget.allowed, 3),
                          percent(cost, 3), percent(cost / budget.allowed, 1),
                          fixed(number(file, budget.group, "discrete_loss"), 4)});
  }
  std::string text = aligned(table);
  text.pop_back();
  return {text};
}

Facts finetune_facts(const store::File& file) {
  const auto said = [&](const char* name, const std::string& before, const std::string& after) {
    const std::string value = file.text_attribute("/finetune", name).value_or("");
    return value.empty() ? value : before + value + after;
  };
  return {"scheme " + file.text_attribute("/finetune", "scheme").value_or("unknown") +
              said("chosen", " (", ")") + said("strategy", ", strategy ", "") + said("budget", " at ", "") +
              ", from the " + file.text_attribute("/finetune", "from").value_or("unknown") + " weights, " +
              plural(file.int_attribute("/finetune", "steps").value_or(0), "step"),
          "validation loss [nats/token]: " + fixed(number(file, "/finetune", "start_loss"), 4) + " before, " +
              fixed(number(file, "/finetune", "final_loss"), 4) + " after"};
}

// Attribute by attribute: the names say what they are.
Facts facts_of_group(const store::File& file, const std::string& group) {
  Facts facts;
  std::size_t width = 0;
  const auto attributes = file.attributes(group);
  for (const auto& [name, value] : attributes) width = std::max(width, name.size());
  for (const auto& [name, value] : attributes) {
    std::string label = name;
    label.resize(width, ' ');
    facts.push_back(label + "  " + value);
  }
  return facts;
}

Facts evaluation_facts(const store::File& file) { return facts_of_group(file, "/evaluation"); }
Facts reference_facts(const store::File& file) { return facts_of_group(file, "/reference"); }

std::string listed(const std::map<std::string, int>& uses) {
  std::string text;
  for (const auto& [candidate, layers] : uses)
    text += (text.empty() ? "" : ", ") + candidate + " in " + std::to_string(layers);
  return text;
}

// From the shapes in the file, so also where it was written before this number was; NaN where it has none, or
// where the head is one of the scheme's layers.
double bops_with_head(const store::File& file, const quant::Scheme& scheme) {
  const auto vocabulary = file.int_attribute("/model", "vocab_size"),
             width = file.int_attribute("/model", "dim");
  const auto layers = layer_shapes(file, scheme);
  if (!vocabulary || !width || layers.empty() || layers.back().name == "lm_head") return std::nan("");
  for (const auto& layer : layers)
    if (layer.macs() == 0) return std::nan("");
  return quant::summarise(layers, scheme, *vocabulary * *width).bops_ratio_all;
}

Facts scheme_facts(const store::File& file) {
  const quant::Scheme scheme = read_scheme(file);
  Facts facts{plural(static_cast<std::int64_t>(scheme.entries.size()), "layer"),
              "weights: " + listed(uses_of(scheme, true)), "inputs:  " + listed(uses_of(scheme, false))};
  if (file.double_attribute("/scheme", "bops_ratio")) {
    const auto value = [&](const char* name) { return number(file, "/scheme", name); };
    const double all = bops_with_head(file, scheme);
    facts.push_back("mean bits of the quantized weights " + fixed(value("mean_weight_bits"), 2) +
                    ", of the inputs " + fixed(value("mean_input_bits"), 2) + "; of 32-bit BOPs " +
                    percent(value("bops_ratio"), 3) +
                    (std::isfinite(all) ? " (" + percent(all) + " with the output head)" : "") +
                    ", of 32-bit size " + percent(value("size_ratio")));
  }
  std::string table = quant::to_table(scheme);
  if (!table.empty()) table.pop_back();
  facts.push_back(table);
  return facts;
}

Facts metrics_facts(const store::File& file) {
  const store::Metrics metrics = store::Metrics::load(file);
  Facts facts;
  for (const std::string& group : metrics.groups()) {
    std::string last;
    std::size_t records = 0, line = 0;
    for (const std::string& name : metrics.columns(group)) {
      const auto column = metrics.column(group, name);
      records = column.size();
      if (column.empty()) continue;
      const std::string item = name + " " + significant(column.back(), 5);
      line += item.size() + 2;
      const bool full = line > line_width;
      if (full) line = item.size();
      last += (last.empty() ? "" : full ? ",\n  " : ", ") + item;
    }
    facts.push_back(group + ": " + plural(static_cast<std::int64_t>(records), "record") +
                    (last.empty() ? "" : "; the last:\n  " + last));
  }
  std::map<std::string, std::int64_t> families;
  for (const std::string& name : metrics.matrices()) ++families[name.substr(0, name.find('/'))];
  std::string matrices;
  for (const auto& [family, count] : families) {
    matrices += (matrices.empty() ? "by layer: " : ", ") + family + " (" + grouped(count) + ")";
  }
  if (!matrices.empty()) facts.push_back(matrices);
  return facts;
}

// For a checkpoint: how far it came.
Facts state_facts(const store::File& file) {
  Facts facts;
  if (const auto step = file.int_attribute("/state", "step")) facts.push_back("after step " + grouped(*step));
  if (file.has("/state/parameters"))
    facts.push_back(plural(static_cast<std::int64_t>(length_of(file, "/state/parameters")), "parameter"));
  return facts;
}

Facts group_sizes(const store::File& file) {
  Facts facts;
  for (const std::string& child : file.children("/")) {
    const std::string group = "/" + child;
    std::int64_t count = 0;
    double bytes = 0;
    for (const std::string& dataset : file.datasets()) {
      if (dataset != group && !dataset.starts_with(group + "/")) continue;
      ++count;
      bytes += static_cast<double>(file.info(dataset).bytes());
    }
    if (count > 0) facts.push_back(group + ": " + plural(count, "dataset") + ", " + byte_size(bytes));
  }
  return facts;
}

// The lines of the stored INI that a default configuration does not have, as section.key = value.
Facts settings_of(const std::string& ini) {
  const auto settings = [](const std::string& text) {
    Facts found;
    std::string section;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with('['))
        section = line.substr(1, line.find(']') - 1) + ".";
      else if (!line.empty())
        found.push_back(section + line);
    }
    return found;
  };
  const Facts defaults = settings(config::to_ini({}));
  const std::set<std::string> usual(defaults.begin(), defaults.end());
  Facts special;
  for (const std::string& line : settings(ini))
    if (!usual.contains(line)) special.push_back(line);
  return special;
}

}  // namespace

std::vector<FactSection> content_facts(const store::File& file) {
  struct Known {
    const char *group, *title;
    Describe describe;
  };
  constexpr Known known[] = {{"/tokens", "tokens", token_facts},
                             {"/state", "state", state_facts},
                             {"/model", "model", model_facts},
                             {"/search", "search", search_facts},
                             {"/schemes", "budgets", budget_facts},
                             {"/finetune", "finetune", finetune_facts},
                             {"/reference", "reference", reference_facts},
                             {"/evaluation", "evaluation", evaluation_facts},
                             {"/scheme", "scheme", scheme_facts},
                             {"/metrics", "metrics", metrics_facts},
                             {"/", "contents", group_sizes}};
  std::vector<FactSection> sections;
  for (const Known& part : known) {
    try {
      if (std::string(part.group) != "/" && !file.has(part.group)) continue;
      FactSection section{part.title, part.describe(file)};
      if (!section.facts.empty()) sections.push_back(std::move(section));
    } catch (const std::exception& error) {
      sections.push_back({part.title, {std::string("cannot be read: ") + error.what()}});
    }
  }
  return sections;
}

FactSection provenance_facts(const store::Provenance& p) {
  FactSection section{"provenance", {}};
  const std::string took = duration(p.started, p.ended);
  section.facts.push_back("made " + p.ended + (took.empty() ? "" : " in " + took) + " on " + p.host + ", " +
                          plural(p.ranks, "rank") + " of " + plural(p.threads, "thread"));
  section.facts.push_back("by bitdarts " + p.program_version + ", revision " + p.git_revision + ", " +
                          p.compiler + "; " + p.libraries);
  if (!p.blas.empty())
    section.facts.push_back("with " + p.blas + "; vector instructions " + p.vector_instructions + "; on " +
                            p.processor);
  section.facts.push_back("key " + p.key);
  for (const store::InputRecord& input : p.inputs)
    section.facts.push_back("from " + input.name + " " + input.content_hash + " (" + input.path + ")");
  std::string settings;
  for (const std::string& line : settings_of(p.configuration)) settings += "\n" + line;
  section.facts.push_back(settings.empty() ? "every option at its default"
                                           : "options that differ from their defaults:" + settings);
  return section;
}

}  // namespace bitdarts::report
