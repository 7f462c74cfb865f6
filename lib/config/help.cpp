#include "config/help.hpp"

#include "chain/stages.hpp"
#include "config/nearest.hpp"
#include "config/options_table.hpp"
#include "core/error.hpp"

namespace bitdarts::config {
namespace {

std::string purpose(const std::string& program) {
  const chain::Stage* stage = chain::find_stage(program);
  if (stage != nullptr) return ": " + stage->purpose;
  return program == "sweep" ? ": the tasks of a pipeline's [sweep] section, and what there is to do for them"
                            : "";
}

std::string usage(const std::string& stage) {
  return "bitdarts-" + stage + purpose(stage) +
         "\n\n"
         "usage: [mpirun -np P] bitdarts-" +
         stage +
         " [--config FILE] [--section.key=value ...]\n\n"
         "  --config FILE     INI file; one file describes the whole pipeline\n"
         "  --help[=SECTION]  this text, or one section of it\n"
         "  --print-config    the resolved configuration as an INI file\n"
         "  --version         version and git revision\n"
         "\n"
         "The command line comes before the environment (BITDARTS_SECTION_KEY, such as "
         "BITDARTS_SEARCH_STEPS),\n"
         "the environment before the file, the file before the defaults shown here.\n"
         "Lists are written with blanks or commas between the items.\n"
         "An INI file can begin with include = OTHER.ini (relative to itself); its own "
         "settings override the included ones.\n"
         "Exit codes: 0 done or up to date, 2 bad configuration, 3 bad input, 75 interrupted (run it again), "
         "1 else.\n";
}

std::string described(const Option& option) {
  std::string text = "  --" + option.name() + "=" + printed(option);
  if (option.short_form) text += "   (short: --" + option.key + ")";
  text += "\n        " + option.help;
  std::string facts = option.unit;
  if (const std::string rule = allowed(option); !rule.empty()) facts += (facts.empty() ? "" : "; ") + rule;
  if (!facts.empty()) text += " [" + facts + "]";
  return text + "\n";
}

const char* const about_sweeps =
    "  Each line is an axis; the tasks are all combinations of their values. Stages only check it.\n"
    "  search.budget = w4a8 | w3a3     any option that changes a result; values are separated by |\n"
    "  run.seed = 1..3                 whole numbers: 1..3 is 1 | 2 | 3, and 0..8..4 is 0 | 4 | 8\n"
    "  candidates = all | lsq-only | no-16 | 4-8 | lsq+:4 fp32\n"
    "        weights and activations at once (each alone: search.weight_candidates, "
    "search.activation_candidates);\n"
    "        names select from the pipeline's own candidates: all; METHOD-only; no-BITS no-METHOD no-fp32; "
    "BITS-BITS-...\n"
    "        (4-8: those of 4 and of 8 bits); several select one after the other: lsq-only no-16\n"
    "  task.NAME = search.budget=w3a3 search.order=second\n"
    "        an explicit list: all task lines together are one axis, beside which others may stand\n"
    "  On the command line: --sweep.run.seed='1..3' in place of that line\n";

}  // namespace

std::string help(const std::string& stage, const std::string& wanted) {
  Config defaults;
  const std::vector<Option> table = options_table(defaults);
  std::vector<std::string> names;
  std::string text = wanted.empty() ? usage(stage) : std::string{};
  bool found = wanted.empty();
  for (const Section& section : sections()) {
    names.push_back(section.name);
    if (!wanted.empty() && wanted != section.name) continue;
    found = true;
    text += (text.empty() ? "[" : "\n[") + section.name + "]  " + section.about + "\n";
    for (const Option& option : table)
      if (option.section == section.name) text += described(option);
    if (section.name == "sweep") text += about_sweeps;
  }
  if (!found)
    throw ConfigError("there is no section " + wanted, "command line: --help",
                      suggestion(wanted, names, "see --help"));
  return text;
}

}  // namespace bitdarts::config
