#include "report/jobs.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "report/run_report.hpp"
#include "report/status.hpp"
#include "stage/stage.hpp"

namespace bitdarts::report {
namespace {

namespace fs = std::filesystem;

// The names of the stages whose products a stage takes, whether they are made or not.
std::vector<std::string> inputs_of(const std::string& stage, const config::FinetuneOptions& finetune,
                                   const std::string& suffix) {
  if (stage == "tokenize") return {};
  if (stage == "pretrain") return {"tokenize"};
  std::vector<std::string> names{"tokenize", "pretrain"};
  if (stage == "finetune" && stage::uses_search(finetune)) names.emplace_back("search");
  if (stage == "evaluate") names.push_back("finetune" + suffix);
  return names;
}

std::vector<std::string> not_yet_made(const std::vector<std::string>& names, const std::vector<Job>& jobs) {
  std::vector<std::string> result;
  for (const Job& job : jobs)
    if (!job.up_to_date && std::find(names.begin(), names.end(), job.name) != names.end())
      result.push_back(job.name);
  return result;
}

Job job_of(const StageStatus& status, const config::FinetuneOptions& finetune, const std::string& suffix,
           const std::vector<Job>& before) {
  return {.name = status.stage + suffix,
          .stage = status.stage,
          .up_to_date = status.up_to_date,
          .text = status.text,
          .needs = not_yet_made(inputs_of(status.stage, finetune, suffix), before),
          .arguments = {}};
}

Job report_job(const config::Config& config, const std::vector<Job>& before) {
  const fs::path out = config.run.out, in = config.run.in.empty() ? out : fs::path(config.run.in);
  const std::string page = (out / "report" / "report.html").string();
  Job job{.name = "report", .stage = "report", .up_to_date = false, .text = {}, .needs = {}, .arguments = {}};
  for (const Job& other : before)
    if (!other.up_to_date) job.needs.push_back(other.name);
  job.up_to_date =
      job.needs.empty() && !config.run.force && is_up_to_date(out / "report", load_products(out, in));
  job.text = (job.up_to_date ? "up to date (" : "to be made (") + page + ")";
  return job;
}

}  // namespace

std::vector<Job> pipeline_jobs(const config::Config& config, const std::string& from, const std::string& to) {
  std::vector<Job> jobs;
  // The chain first, then the baselines in their order, each from its finetuning or its evaluation on.
  const std::string first = from == "evaluate" ? from : "finetune";
  config::FinetuneOptions finetune = config.finetune;
  std::string suffix;
  std::vector<std::string> arguments;
  auto scheme = config.report.baselines.begin();
  bool chain_is_there = false;  // as far as the baselines have it too
  for (const StageStatus& status : pipeline_status(config, from, to)) {
    if (status.stage == first && std::exchange(chain_is_there, true)) {
      const std::string folder = baseline_folder(*scheme);
      finetune.scheme = *scheme++;
      suffix = "-" + folder;
      arguments = {"--out", (fs::path(config.run.out) / "baselines" / folder).string(), "--in",
                   config.run.out, "--finetune.scheme=" + finetune.scheme};
    }
    jobs.push_back(job_of(status, finetune, suffix, jobs));
    jobs.back().arguments = arguments;
  }
  if (to == "report") jobs.push_back(report_job(config, jobs));
  return jobs;
}

}  // namespace bitdarts::report
