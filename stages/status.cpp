// bitdarts-status: which stages of a pipeline are done. Loads no LibTorch and starts no MPI.
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "chain/places.hpp"
#include "chain/stages.hpp"
#include "config/config.hpp"
#include "config/options_table.hpp"
#include "config/syntax.hpp"
#include "core/error.hpp"
#include "pipeline/job_progress.hpp"
#include "pipeline/jobs.hpp"
#include "pipeline/progress.hpp"
#include "pipeline/status.hpp"
#include "products/products.hpp"
#include "stage/stage.hpp"
#include "sweep/progress.hpp"
#include "sweep/shell.hpp"

using namespace bitdarts;
namespace fs = std::filesystem;

namespace {

const std::string usage =
    "usage: bitdarts-status [--from STAGE] [--to STAGE] [--table | --tsv] [--config FILE] [--out DIR]\n"
    "                       [--section.key=value ...]\n"
    "       bitdarts-status [--table | --tsv] DIR\n"
    "       bitdarts-status --list [--from STAGE] [--to STAGE] [--config FILE] ...\n"
    "       bitdarts-status --stages\n"
    "       bitdarts-status --help | --help=SECTION | --print-config | --version\n"
    "\n"
    "For each stage of the pipeline, those of report.baselines included: is its product up to date, "
    "missing,\n"
    "damaged, or stale (made from other options or inputs)? Give it the options that the stages are given,\n"
    "or the DIR alone: of a sweep, or of products, which know their options.\n"
    "STAGE is one of them, in the order that they have, tokenize to report (see --stages).\n"
    "--table  steps, last losses, what runs, what failed and why; of a sweep a line a task (and always so)\n"
    "--tsv    the same for programs: where stage state step steps loss log why, separated by tabs\n"
    "--jobs FILE  a table with the jobs of a cluster: lines of name, id, log, state, requeues, reason, with "
    "tabs\n"
    "--list   what makes jobs of it: name, stage, state, names of those to wait for, why, and arguments "
    "quoted\n"
    "         for a shell; the report included; tabs between them, - for nothing. States: up_to_date, "
    "to_be_made,\n"
    "         optional (it spares later ones work, and they have the same results without it)\n"
    "--stages the stages there are, in order: name, program, product, and the stage whose line in [slurm] "
    "its\n"
    "         jobs have\n"
    "exit code: 0 all are up to date, 4 something is to be made, 2 bad configuration, 1 else\n";

constexpr int to_be_made = 4;  // none of the codes that a stage ends with

// Takes "--name VALUE" and "--name=VALUE" out of the arguments; the last one counts.
std::string taken(std::vector<std::string>& arguments, const std::string& name, std::string value,
                  const std::string& what = "the name of a stage") {
  for (auto at = arguments.begin(); at != arguments.end();) {
    if (at->starts_with(name + "=")) {
      value = at->substr(name.size() + 1);
    } else if (*at == name && at + 1 != arguments.end() && !config::looks_like_an_option(at[1])) {
      at = arguments.erase(at);
      value = *at;
    } else if (*at == name) {
      throw ConfigError(name + " needs " + what, "command line");
    } else {
      ++at;
      continue;
    }
    at = arguments.erase(at);
  }
  return value;
}

bool took_flag(std::vector<std::string>& arguments, const std::string& name) {
  return std::erase(arguments, name) > 0;
}

bool has_products(const fs::path& folder) {
  std::error_code absent;
  for (const chain::Stage& stage : chain::stages())
    if (!stage.product.empty() && fs::exists(folder / chain::file_of(stage), absent)) return true;
  return false;
}

// DIR as the options that it stands for: a sweep and a product know theirs.
void expand_folder(std::vector<std::string>& arguments, const fs::path& folder) {
  std::error_code absent;
  if (!fs::is_directory(folder, absent))
    throw ConfigError("there is no such directory", folder.string(),
                      "give the folder of a sweep or of products");
  if (sweep::is_sweep(folder)) {
    arguments.insert(arguments.begin(), {"--config", (folder / "sweep.ini").string()});
  } else if (has_products(folder)) {
    // As the last product was made.
    const products::Products products = products::load_products(folder, folder);
    std::optional<config::Config> config;
    for (const auto& [name, product] : products.all())
      if (!chain::baseline_with(product->path)) config = products::configuration_of(*product);
    if (!config)
      throw InputError("no product here says how it was made", folder.string(), "give --config FILE");
    config::Config defaults, same = *config;
    same.run = defaults.run;
    same.run.seed = config->run.seed;
    same.run.shards = config->run.shards;
    same.run.threads = config->run.threads;
    same.run.device = config->run.device;
    const auto table = config::options_table(same);
    std::vector<std::string> options;
    for (const auto& option : table) options.push_back("--" + option.name() + "=" + config::printed(option));
    arguments.insert(arguments.begin(), options.begin(), options.end());
  } else {
    throw InputError("there is neither a sweep nor a product", folder.string(),
                     "give --config FILE and the --out of the stages");
  }
  arguments.insert(arguments.end(), {"--out", folder.string()});
}

// How the progress is to be shown.
struct View {
  bool table = false, tsv = false;
  std::string jobs;  // a file
};

std::string shown(const std::vector<pipeline::StageProgress>& progress, const View& view) {
  if (view.tsv) return pipeline::progress_tsv(progress);
  return view.jobs.empty() ? pipeline::progress_table(progress)
                           : pipeline::job_table(progress, pipeline::read_jobs(view.jobs));
}

int sweep_status(const config::Command& command, const View& view) {
  const auto places =
      sweep::sweep_progress(sweep::make_plan(command.sweep, command.config, command.config.run.out));
  std::cout << shown(places, view);
  if (!view.tsv) std::cout << sweep::tasks_in_words(places) << "\n";
  const bool done = std::all_of(places.begin(), places.end(), [](const auto& place) { return place.done(); });
  return done ? 0 : to_be_made;
}

int pipeline_status(const config::Command& command, const std::string& from, const std::string& to,
                    const View& view) {
  const auto steps = pipeline::pipeline_steps(command.config, from, to);
  if (view.table) {
    const auto progress = pipeline::pipeline_progress(steps);
    std::cout << shown(progress, view);
    return std::all_of(progress.begin(), progress.end(), [](const auto& stage) { return stage.done(); })
               ? 0
               : to_be_made;
  }
  const auto stages = pipeline::pipeline_status(steps);
  for (const auto& stage : stages) std::cout << stage.stage << ": " << pipeline::in_words(stage) << "\n";
  return std::all_of(stages.begin(), stages.end(), [](const auto& stage) { return stage.up_to_date(); })
             ? 0
             : to_be_made;
}

// The table of stages for scripts.
int list_stages() {
  for (const chain::Stage& stage : chain::stages())
    std::cout << stage.name << "\t" << chain::program_of(stage) << "\t"
              << (stage.product.empty() ? "-" : chain::file_of(stage)) << "\t"
              << (stage.spares.empty() ? stage.name : stage.spares) << "\n";
  return 0;
}

int list_jobs(const config::Config& config, const std::string& from, const std::string& to) {
  bool done = true;
  for (const pipeline::Job& job : pipeline::pipeline_jobs(config, from, to)) {
    std::string needs;
    for (const std::string& name : job.needs) needs += (needs.empty() ? "" : " ") + name;
    std::cout << job.name << "\t" << job.stage << "\t" << pipeline::name_of(job.state) << "\t"
              << (needs.empty() ? "-" : needs) << "\t" << job.text << "\t"
              << (job.arguments.empty() ? "-" : sweep::shell_words(job.arguments)) << "\n";
    done = done && job.state != pipeline::Job::State::to_be_made;
  }
  return done ? 0 : to_be_made;
}

int run(std::vector<std::string> arguments) {
  const std::string last = arguments.empty() ? "" : arguments.back();
  if (last == "--help" || last == "-h") {
    std::cout << usage;
    return 0;
  }
  if (took_flag(arguments, "--stages")) return list_stages();
  const auto steps = chain::names_of_steps();
  const std::string from = taken(arguments, "--from", steps.front()),
                    to = taken(arguments, "--to", steps.back());
  pipeline::check_range(from, to);
  const bool list = took_flag(arguments, "--list");
  View view{.tsv = took_flag(arguments, "--tsv"), .jobs = taken(arguments, "--jobs", "", "a file")};
  view.table = took_flag(arguments, "--table") || view.tsv || !view.jobs.empty();
  const bool folder_alone = !arguments.empty() && !arguments.front().starts_with("-");
  if (folder_alone) {
    const fs::path folder = arguments.front();
    arguments.erase(arguments.begin());
    expand_folder(arguments, folder);
    view.table = true;
  }
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) variables.emplace_back(*variable);
  const config::Command command = config::parse("status", arguments, variables);
  if (command.action != config::Command::Action::work) {
    std::cout << command.text;
    return 0;
  }
  if (list) return list_jobs(command.config, from, to);
  if (sweep::is_sweep(command.config.run.out)) return sweep_status(command, view);
  return pipeline_status(command, from, to, view);
}

}  // namespace

int main(int argc, char** argv) { return stage::plain_main(argc, argv, "status", run); }
