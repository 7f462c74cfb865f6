// bitdarts-sweep: what the [sweep] section of a pipeline asks for, and what there is to do for it. Loads no
// LibTorch and starts no MPI.
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <set>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "config/syntax.hpp"
#include "core/error.hpp"
#include "stage/stage.hpp"
#include "sweep/manifest.hpp"
#include "sweep/overview.hpp"
#include "sweep/plan.hpp"
#include "sweep/shell.hpp"

using namespace bitdarts;

namespace {

const std::string usage =
    "usage: bitdarts-sweep --config FILE --out DIR [--section.key=value ...] [--sweep.KEY=VALUES ...]\n"
    "       bitdarts-sweep ... --list commands|tasks [--all] [--task ID ...]\n"
    "       bitdarts-sweep --help | --help=SECTION | --version\n"
    "\n"
    "Writes DIR/manifest.tsv, one line for each task of the [sweep] section (--help=sweep), and prints the "
    "plan.\n"
    "--list commands   every stage to run, in order, a line each, tab-separated: shared/NAME or tasks/ID; "
    "the "
    "stage;\n"
    "                  up_to_date or to_be_made; its options, quoted for a shell\n"
    "--list tasks      the ids of the tasks that have something to be made; all ids with --all\n"
    "--task ID         only this task (may be repeated) and what it shares with others\n"
    "exit code: 0 well, 2 bad configuration, 1 else\n";

struct Arguments {
  std::string config, out, list;
  std::vector<std::string> tasks, common;  // common: --section.key=value, for every stage
  std::vector<std::string> sweep;          // --sweep.KEY=VALUES
  bool all = false;
};

// "--name VALUE" or "--name=VALUE" at `at`, which moves to its last word; nullptr when it is another option.
const std::string* value_at(const std::vector<std::string>& words, std::size_t& at, const std::string& name,
                            std::string& value) {
  if (words[at].starts_with(name + "=")) {
    value = words[at].substr(name.size() + 1);
    return &value;
  }
  if (words[at] != name) return nullptr;
  if (at + 1 == words.size() || config::looks_like_an_option(words[at + 1]))
    throw ConfigError(name + " needs a value", "command line");
  value = words[++at];
  return &value;
}

Arguments taken_apart(const std::vector<std::string>& words) {
  Arguments arguments;
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::string value;
    if (value_at(words, i, "--config", value)) {
      arguments.config = value;
    } else if (value_at(words, i, "--out", value) || value_at(words, i, "--run.out", value)) {
      arguments.out = value;
    } else if (value_at(words, i, "--list", value)) {
      if (value != "commands" && value != "tasks")
        throw ConfigError("--list " + value + " is not known", "command line", "--list commands|tasks");
      arguments.list = value;
    } else if (value_at(words, i, "--task", value)) {
      arguments.tasks.push_back(value);
    } else if (words[i] == "--all") {
      arguments.all = true;
    } else if (words[i].starts_with("--in=") || words[i] == "--in" || words[i].starts_with("--run.in")) {
      throw ConfigError("a sweep has its inputs in its own folder: --in means nothing here", "command line");
    } else {
      (words[i].starts_with("--sweep.") ? arguments.sweep : arguments.common).push_back(words[i]);
    }
  }
  return arguments;
}

// An option that every task sets cannot be given for all of them.
void refuse_overruled(const std::vector<sweep::Task>& tasks, const std::vector<std::string>& common) {
  for (const sweep::Task& task : tasks)
    for (const auto& [name, value] : task.options)
      for (const std::string& word : common)
        if ((word + "=").starts_with("--" + name + "="))
          throw ConfigError(
              name + " is swept, and given on the command line too", word,
              "give --sweep." + name + "='VALUES' in place of the line in [sweep], or remove " + word);
}

void print_commands(const std::vector<sweep::Piece>& pieces, const std::vector<pipeline::StageStatus>& stages,
                    const Arguments& arguments) {
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const sweep::Piece& piece = pieces[i];
    std::vector<std::string> words;
    if (!arguments.config.empty()) words = {"--config", arguments.config};
    words.insert(words.end(), {"--out", piece.config.run.out});
    words.insert(words.end(), arguments.common.begin(), arguments.common.end());
    words.insert(words.end(), piece.overrides.begin(), piece.overrides.end());
    std::cout << piece.place << "\t" << piece.stage << "\t"
              << (stages[i].up_to_date() ? "up_to_date" : "to_be_made") << "\t" << sweep::shell_words(words)
              << "\n";
  }
}

void print_tasks(const sweep::Plan& plan, const std::vector<sweep::Piece>& pieces,
                 const std::vector<pipeline::StageStatus>& stages, const Arguments& arguments) {
  std::set<std::string> wanted;
  for (std::size_t i = 0; i < pieces.size(); ++i)
    if (arguments.all || !stages[i].up_to_date()) wanted.insert(pieces[i].place);
  for (const sweep::Task& task : plan.tasks)
    if (wanted.contains("tasks/" + task.id)) std::cout << task.id << "\n";
}

std::set<std::string> ids_in(const std::filesystem::path& manifest) {
  std::set<std::string> ids;
  std::error_code absent;
  if (!std::filesystem::exists(manifest, absent)) return ids;
  for (const auto& row : sweep::read_manifest(manifest).rows) ids.insert(row.id);
  return ids;
}

int run(std::vector<std::string> words) {
  const std::string last = words.empty() ? "" : words.back();
  if (words.empty() || last == "--help" || last == "-h") {
    std::cout << usage;
    return 0;
  }
  const Arguments arguments = taken_apart(words);
  std::vector<std::string> given = arguments.common, variables;
  given.insert(given.end(), arguments.sweep.begin(), arguments.sweep.end());
  if (!arguments.config.empty()) given.insert(given.end(), {"--config", arguments.config});
  for (char** variable = environ; *variable != nullptr; ++variable) variables.emplace_back(*variable);
  const config::Command command = config::parse("sweep", given, variables);
  if (command.action != config::Command::Action::work) {
    std::cout << command.text;
    return 0;
  }
  if (arguments.out.empty())
    throw ConfigError("missing --out: the folder of the sweep", "command line", "give --out DIR");

  const sweep::Plan plan = sweep::make_plan(command.sweep, command.config, arguments.out);
  refuse_overruled(plan.tasks, arguments.common);
  sweep::check_schemes(plan.tasks);
  const auto pieces = arguments.tasks.empty() ? plan.pieces : sweep::pieces_of(plan, arguments.tasks);
  const std::set<std::string> known = ids_in(plan.folder / "manifest.tsv");
  sweep::lay_out(plan);
  sweep::write_if_changed(plan.folder / "manifest.tsv", to_tsv(sweep::manifest_of(plan.tasks)));
  sweep::write_if_changed(plan.folder / "sweep.ini",
                          config::to_ini(command.config) + "\n[sweep]\n" + command.sweep.text);
  if (arguments.list == "tasks" && arguments.all && arguments.tasks.empty()) {
    for (const sweep::Task& task : plan.tasks) std::cout << task.id << "\n";
    return 0;
  }
  if (const std::string left_out = left_out_in_words(plan); !left_out.empty() && arguments.list != "tasks")
    std::cerr << "sweep: " << left_out << "\n";
  const auto stages = sweep::survey(pieces);
  if (arguments.list == "commands") {
    print_commands(pieces, stages, arguments);
  } else if (arguments.list == "tasks") {
    print_tasks(plan, pieces, stages, arguments);
  } else {
    std::cout << overview(plan, pieces, stages, known)
              << "Manifest: " << (plan.folder / "manifest.tsv").string() << "\n";
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return stage::plain_main(argc, argv, "sweep", run); }
