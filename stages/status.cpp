// bitdarts-status: which stages of a pipeline are done. Loads no LibTorch and starts no MPI.
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "core/error.hpp"
#include "core/shell.hpp"
#include "report/jobs.hpp"
#include "report/status.hpp"
#include "stage/stage.hpp"

using namespace bitdarts;

namespace {

const std::string usage =
    "usage: bitdarts-status [--list] [--from STAGE] [--to STAGE] [--config FILE] [--out DIR]\n"
    "                       [--section.key=value ...]\n"
    "       bitdarts-status --help | --help=SECTION | --print-config | --version\n"
    "\n"
    "For each stage of the pipeline, those of report.baselines included: is its product up to date, "
    "missing,\n"
    "damaged, or stale (made from other options or inputs)? Give it the options that the stages are given.\n"
    "STAGE is one of tokenize pretrain search finetune evaluate report.\n"
    "--list: for scripts, the report included, in the order of the work. Tabs divide the name, the stage,\n"
    "up_to_date or to_be_made, the names that it has to wait for, why, and arguments quoted for a shell.\n"
    "exit code: 0 all are up to date, 4 something is to be made, 2 bad configuration, 1 else\n";

constexpr int to_be_made = 4;  // none of the codes that a stage ends with

// Takes "--name VALUE" and "--name=VALUE" out of the arguments; the last one counts.
std::string taken(std::vector<std::string>& arguments, const std::string& name, std::string value) {
  for (auto at = arguments.begin(); at != arguments.end();) {
    if (at->starts_with(name + "=")) {
      value = at->substr(name.size() + 1);
    } else if (*at == name && at + 1 != arguments.end()) {
      at = arguments.erase(at);
      value = *at;
    } else if (*at == name) {
      throw ConfigError(name + " needs the name of a stage", "command line");
    } else {
      ++at;
      continue;
    }
    at = arguments.erase(at);
  }
  return value;
}

// The fields are never empty, for a shell would not see them: "-" stands for nothing.
void print_list(const std::vector<report::Job>& jobs) {
  for (const auto& job : jobs) {
    std::string needs;
    for (const std::string& name : job.needs) needs += (needs.empty() ? "" : " ") + name;
    std::cout << job.name << "\t" << job.stage << "\t" << (job.up_to_date ? "up_to_date" : "to_be_made")
              << "\t" << (needs.empty() ? "-" : needs) << "\t" << job.text << "\t"
              << (job.arguments.empty() ? "-" : shell_quoted(job.arguments)) << "\n";
  }
}

int run(std::vector<std::string> arguments) {
  const std::string last = arguments.empty() ? "" : arguments.back();
  if (last == "--help" || last == "-h") {
    std::cout << usage;
    return 0;
  }
  const bool list = std::erase(arguments, "--list") > 0;
  const std::string from = taken(arguments, "--from", "tokenize"), to = taken(arguments, "--to", "report");
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) variables.emplace_back(*variable);
  const config::Command command = config::parse("status", arguments, variables);
  if (command.action != config::Command::Action::work) {
    std::cout << command.text;
    return 0;
  }
  const auto code = [](const auto& all) {
    return std::all_of(all.begin(), all.end(), [](const auto& one) { return one.up_to_date; }) ? 0
                                                                                               : to_be_made;
  };
  if (list) {
    const auto jobs = report::pipeline_jobs(command.config, from, to);
    print_list(jobs);
    return code(jobs);
  }
  const auto stages = report::pipeline_status(command.config, from, to);
  for (const auto& stage : stages) std::cout << stage.stage << ": " << stage.text << "\n";
  return code(stages);
}

}  // namespace

int main(int argc, char** argv) { return stage::plain_main(argc, argv, "status", run); }
